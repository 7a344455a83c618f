// A Go program that serves net/http/pprof on two ports: one without a write timeout, one with 2 seconds. It is the
// reference that Heapline's handler is compared with.
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"time"
)

var kept [][]byte

func listen(timeout time.Duration) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{WriteTimeout: timeout}
	go server.Serve(listener)
	return listener.Addr().(*net.TCPAddr).Port
}

func main() {
	for i := 0; i < 64; i++ {
		kept = append(kept, make([]byte, 1<<20))
	}
	fmt.Println(listen(0), listen(2*time.Second))
	select {}
}
