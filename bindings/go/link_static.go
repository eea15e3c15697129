// SPDX-License-Identifier: Apache-2.0

//go:build sentiment_static

package sentiment

// The archive is named by its file, so that the linker cannot prefer the shared library. What
// pkg-config adds names the library once more: by then nothing is missing, and --as-needed
// drops it.

// #cgo LDFLAGS: -Wl,--as-needed -l:libsentiment.a
// #cgo pkg-config: --static sentiment
import "C"
