// Command shim writes bcryptprimitives.dll for a Wine that has none (before 9.0): Go
// programs take their random numbers from its ProcessPrng and end without it.
//
// The library holds no code. Its one export is forwarded to SystemFunction036 of
// advapi32, documented as RtlGenRandom, which takes the same two arguments.
//
//	go run ./.ci/windows/shim FILE
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

const (
	headers = 0x200  // bytes of all headers in the file
	section = 0x1000 // where the only section stands in memory
	image   = 0x2000 // size in memory
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: shim FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], library(), 0o755); err != nil {
		fmt.Fprintln(os.Stderr, "shim:", err)
		os.Exit(1)
	}
}

// exports is a section with the export directory of one forwarded function, at the
// address section. Format: Microsoft, "PE Format", the .edata section.
func exports() []byte {
	const directory = 40
	const addresses, names, ordinals, texts = directory, directory + 4, directory + 8, directory + 12
	library, function, target := "bcryptprimitives.dll\x00", "ProcessPrng\x00", "advapi32.SystemFunction036\x00"
	at := func(offset int) uint32 { return uint32(section + offset) }
	functionAt := texts + len(library)
	targetAt := functionAt + len(function)
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // a Buffer takes all
	put([]uint32{0, 0, 0, at(texts), 1, 1, 1, at(addresses), at(names), at(ordinals)})
	put(at(targetAt)) // within the directory's bounds: a forwarder
	put(at(functionAt))
	put([]uint16{0, 0})
	b.WriteString(library + function + target)
	return b.Bytes()
}

// library is the file: the headers of a 64-bit DLL without entry point, and the section.
func library() []byte {
	edata := exports()
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("MZ")
	b.Write(make([]byte, 58))
	put(uint32(64)) // where the PE header is
	// COFF: amd64, one section, an optional header of 240 bytes, executable and a DLL.
	b.WriteString("PE\x00\x00")
	put([]uint16{0x8664, 1})
	put([]uint32{0, 0, 0})
	put([]uint16{240, 0x2022})
	// Optional header, PE32+.
	put(uint16(0x20b))
	put([]uint8{1, 0})
	put([]uint32{0, 0x200, 0, 0, section})
	put(uint64(0x6a0000000))
	put([]uint32{section, 0x200})
	put([]uint16{6, 0, 0, 0, 6, 0})
	put([]uint32{0, image, headers, 0})
	put([]uint16{3, 0x140}) // console; relocatable, no execution of data
	put([]uint64{1 << 20, 1 << 12, 1 << 20, 1 << 12})
	put([]uint32{0, 16, section, uint32(len(edata))})
	b.Write(make([]byte, 15*8))
	b.WriteString(".edata\x00\x00")
	put([]uint32{uint32(len(edata)), section, 0x200, headers, 0, 0, 0, 0x40000040})
	file := make([]byte, headers+0x200)
	copy(file, b.Bytes())
	copy(file[headers:], edata)
	return file
}
