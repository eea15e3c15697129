// SPDX-License-Identifier: Apache-2.0

//go:build !sentiment_static

package sentiment

// #cgo pkg-config: sentiment
import "C"
