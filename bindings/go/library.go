// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

import (
	"fmt"
	"sync"
)

// Version is the version of the library in use, "major.minor.patch".
func Version() string { return C.GoString(C.sentiment_version()) }

// ABIVersion is the binary interface of the library in use.
func ABIVersion() int { return int(C.sentiment_abi_version()) }

// checkLibrary refuses a library that this package was not made for.
var checkLibrary = sync.OnceValue(func() error {
	return compare(ABIVersion(), Version(), libraryPath())
})

// libraryPath is where the shared library lies; "" if the program contains the library.
func libraryPath() string { return C.GoString(C.sentiment_go_library_path()) }

// compare tells what is wrong with a library; nil if nothing is.
func compare(abi int, version, path string) error {
	var major, minor int
	_, problem := fmt.Sscanf(version, "%d.%d", &major, &minor)
	recent := major > minimumMajor || major == minimumMajor && minor >= minimumMinor
	if problem == nil && abi == abiVersion && recent {
		return nil
	}
	if path != "" {
		path = " at " + path
	}
	return &Error{
		Code: StatusUnsupported,
		Message: fmt.Sprintf("libsentiment%s has version %s and binary interface %d; this package "+
			"needs version %d.%d or newer and binary interface %d",
			path, version, abi, minimumMajor, minimumMinor, abiVersion),
		Offset: -1,
		cause:  ErrIncompatible,
	}
}
