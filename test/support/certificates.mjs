// Certificates for the programs that use the network. Node.js reads the file in NODE_EXTRA_CA_CERTS whenever it starts.
// Where the file has all certificates of a machine, that takes twice as long as the rest of the start. The tests start
// thousands of programs, and of these only npm uses the network.

/** Has the path while NODE_EXTRA_CA_CERTS is not set. */
const KEPT = 'TESTS_CA_CERTS';

/** From here on, only programs with networkEnvironment() get NODE_EXTRA_CA_CERTS. */
export function keepCertificates() {
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
  if (certificates === undefined) return;
  process.env[KEPT] = certificates;
  delete process.env.NODE_EXTRA_CA_CERTS;
}

/** The environment of this process for a program that uses the network. */
export function networkEnvironment() {
  const certificates = process.env[KEPT];
  return certificates === undefined ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: certificates };
}
