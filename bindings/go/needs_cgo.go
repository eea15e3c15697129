// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package sentiment

// Without a C compiler, or with CGO_ENABLED=0, go leaves out the files that call C, and says so
// of none. This line tells what is missing.
var _ = this_package_needs_a_C_compiler_and_CGO_ENABLED_1
