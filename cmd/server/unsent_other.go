//go:build !linux

package main

import "net"

func limitUnsent(net.Conn) {}
