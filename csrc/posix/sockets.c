/* Sockets and the names of hosts, of which WASI preview 1 has none that a program could open. */

#include "provided.h"
#include <net/if.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

PROVIDED int socket(int family, int type, int protocol)
{
    (void)family, (void)type, (void)protocol;
    return absent();
}

PROVIDED int socketpair(int family, int type, int protocol, int ends[2])
{
    (void)family, (void)type, (void)protocol, (void)ends;
    return absent();
}

PROVIDED int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd, (void)address, (void)length;
    return absent();
}

PROVIDED int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd, (void)address, (void)length;
    return absent();
}

PROVIDED int listen(int fd, int most)
{
    (void)fd, (void)most;
    return absent();
}

PROVIDED int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    (void)fd, (void)address, (void)length;
    return absent();
}

PROVIDED int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    (void)fd, (void)address, (void)length;
    return absent();
}

PROVIDED ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
    (void)fd, (void)bytes, (void)size, (void)flags, (void)to, (void)length;
    return absent();
}

PROVIDED ssize_t recvfrom(int fd, void *restrict bytes, size_t size, int flags, struct sockaddr *restrict from,
                          socklen_t *restrict length)
{
    (void)fd, (void)bytes, (void)size, (void)flags, (void)from, (void)length;
    return absent();
}

PROVIDED ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    (void)fd, (void)message, (void)flags;
    return absent();
}

PROVIDED ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    (void)fd, (void)message, (void)flags;
    return absent();
}

PROVIDED int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    (void)fd, (void)level, (void)option, (void)value, (void)length;
    return absent();
}

PROVIDED int sockatmark(int fd)
{
    (void)fd;
    return absent();
}

PROVIDED in_addr_t inet_addr(const char *text)
{
    struct in_addr address;
    return inet_aton(text, &address) ? address.s_addr : (in_addr_t)-1;
}

PROVIDED char *inet_ntoa(struct in_addr address)
{
    static char text[INET_ADDRSTRLEN];
    return (char *)inet_ntop(AF_INET, &address, text, sizeof text);
}

PROVIDED void sethostent(int stays) { (void)stays; }
PROVIDED void endhostent(void) {}
PROVIDED struct hostent *gethostent(void) { return 0; }
PROVIDED void setnetent(int stays) { (void)stays; }
PROVIDED void endnetent(void) {}
PROVIDED struct netent *getnetent(void) { return 0; }
PROVIDED void setservent(int stays) { (void)stays; }
PROVIDED void endservent(void) {}
PROVIDED struct servent *getservent(void) { return 0; }
PROVIDED void setprotoent(int stays) { (void)stays; }
PROVIDED void endprotoent(void) {}
PROVIDED struct protoent *getprotoent(void) { return 0; }

PROVIDED struct netent *getnetbyaddr(unsigned network, int family)
{
    (void)network, (void)family;
    return 0;
}

PROVIDED struct netent *getnetbyname(const char *name)
{
    (void)name;
    return 0;
}

PROVIDED int *__h_errno_location(void)
{
    static int value;
    return &value;
}

static void *no_host(void)
{
    h_errno = NO_RECOVERY;
    return absent_pointer();
}

PROVIDED struct hostent *gethostbyname(const char *name)
{
    (void)name;
    return no_host();
}

PROVIDED struct hostent *gethostbyname2(const char *name, int family)
{
    (void)name, (void)family;
    return no_host();
}

PROVIDED struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    (void)address, (void)length, (void)family;
    return no_host();
}

PROVIDED struct servent *getservbyname(const char *name, const char *protocol)
{
    (void)name, (void)protocol;
    return 0;
}

PROVIDED struct servent *getservbyport(int port, const char *protocol)
{
    (void)port, (void)protocol;
    return 0;
}

PROVIDED struct protoent *getprotobyname(const char *name)
{
    (void)name;
    return 0;
}

PROVIDED struct protoent *getprotobynumber(int number)
{
    (void)number;
    return 0;
}

PROVIDED int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                         struct addrinfo **restrict result)
{
    (void)node, (void)service, (void)hints, (void)result;
    errno = ENOSYS;
    return EAI_SYSTEM;
}

PROVIDED void freeaddrinfo(struct addrinfo *first) { (void)first; }

PROVIDED int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict node,
                         socklen_t node_length, char *restrict service, socklen_t service_length, int flags)
{
    (void)address, (void)length, (void)node, (void)node_length, (void)service, (void)service_length, (void)flags;
    errno = ENOSYS;
    return EAI_SYSTEM;
}

PROVIDED const char *gai_strerror(int error)
{
    return error == EAI_SYSTEM ? "System error" : "Name cannot be looked up";
}

PROVIDED const char *hstrerror(int error)
{
    return error == 0 ? "Resolver Error 0 (no error)" : "Name cannot be looked up";
}

PROVIDED void herror(const char *prefix)
{
    fprintf(stderr, "%s%s%s\n", prefix == 0 ? "" : prefix, prefix == 0 ? "" : ": ", hstrerror(h_errno));
}

PROVIDED unsigned if_nametoindex(const char *name)
{
    (void)name;
    absent();
    return 0;
}

PROVIDED char *if_indextoname(unsigned index, char *name)
{
    (void)index, (void)name;
    return absent_pointer();
}

PROVIDED struct if_nameindex *if_nameindex(void) { return absent_pointer(); }
PROVIDED void if_freenameindex(struct if_nameindex *first) { (void)first; }
