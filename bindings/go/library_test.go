// SPDX-License-Identifier: Apache-2.0

package sentiment

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestLayouts(t *testing.T) {
	if len(layouts) == 0 {
		t.Fatal("no structs")
	}
	for _, each := range layouts {
		if each.generated != each.compiled {
			t.Errorf("%s: %d bytes, generated for %d", each.name, each.compiled, each.generated)
		}
	}
}

func TestStatusNames(t *testing.T) {
	for code := StatusOK; code >= StatusForked; code-- {
		if got, want := code.String(), libraryName(code); got != want {
			t.Errorf("%d is %q, the library says %q", code, got, want)
		}
		if known := sentinel(code); code != StatusOK && !errors.Is(&Error{Code: code}, known) {
			t.Errorf("%v has no sentinel", code)
		}
	}
	if got := Status(-99).String(); got != "Status(-99)" {
		t.Error(got)
	}
	if got := (&Error{Code: -99}).Error(); got != "sentiment: Status(-99)" {
		t.Error(got)
	}
	if found := (&Error{Code: -99}).Unwrap(); len(found) != 0 {
		t.Error(found)
	}
}

func TestNames(t *testing.T) {
	for want, value := range map[string]fmt.Stringer{
		"torch": EngineTorch, "int8": PrecisionInt8, "avx512": ISAAVX512, "replace": UTF8Replace,
		"max_length": PaddingMaxLength, "words": TokenizerWords, "onnx": FormatONNX,
		"warning": LogWarning, "empty,truncated": FlagEmpty | FlagTruncated, "": Flags(0),
		"Engine(7)": Engine(7),
	} {
		if value.String() != want {
			t.Errorf("%q, want %q", value, want)
		}
	}
}

func TestCompare(t *testing.T) {
	now := fmt.Sprintf("%d.%d.0", minimumMajor, minimumMinor)
	if err := compare(abiVersion, now, ""); err != nil {
		t.Error(err)
	}
	if err := compare(abiVersion, fmt.Sprintf("%d.0.0", minimumMajor+1), ""); err != nil {
		t.Error(err)
	}
	for _, each := range []struct {
		abi     int
		version string
	}{{abiVersion + 1, now}, {abiVersion, "0.1.9"}, {abiVersion, "new"}, {abiVersion, ""}} {
		err := compare(each.abi, each.version, "/lib/x.so")
		wants(t, err, ErrIncompatible)
		wants(t, err, ErrUnsupported)
		if !strings.Contains(err.Error(), "/lib/x.so has version "+each.version) {
			t.Error(err)
		}
	}
}

func TestVersion(t *testing.T) {
	if err := compare(ABIVersion(), Version(), ""); err != nil {
		t.Error(err)
	}
}

// other is a library that answers for the real one, and knows nothing else.
const other = `
#include <stdint.h>
const char *sentiment_version(void) { return "%s"; }
int32_t sentiment_abi_version(void) { return %d; }
`

// compileOther makes a library of another version in a folder, under the name of the real one.
func compileOther(t *testing.T, folder, version string, abi int) string {
	cc, err := exec.LookPath("cc")
	if err != nil || libraryPath() == "" {
		t.Skip("needs cc and the shared library")
	}
	source, script := filepath.Join(folder, "other.c"), filepath.Join(folder, "other.map")
	made := filepath.Join(folder, "libsentiment.so.0")
	for path, text := range map[string]string{
		source: fmt.Sprintf(other, version, abi),
		script: "SENTIMENT_1 { global: sentiment_*; local: *; };\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	compile := exec.Command(cc, "-shared", "-fPIC", source, "-Wl,-soname,libsentiment.so.0",
		"-Wl,--version-script="+script, "-o", made)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return made
}

// TestOtherLibrary starts this program again, with a library of another version before the real
// one, and in its place.
func TestOtherLibrary(t *testing.T) {
	if os.Getenv("SENTIMENT_TEST_OTHER") != "" {
		_, err := Default()
		fmt.Println(errors.Is(err, ErrIncompatible), err)
		_, err = LoadBytes(nil)
		fmt.Println(errors.Is(err, ErrIncompatible), err)
		return
	}
	for _, each := range []struct {
		version string
		abi     int
	}{{"0.3.0", 7}, {"0.1.0", abiVersion}} {
		folder := t.TempDir()
		made := compileOther(t, folder, each.version, each.abi)
		want := fmt.Sprintf("true sentiment: libsentiment at %s has version %s and binary "+
			"interface %d; this package needs version %d.%d or newer and binary interface %d\n",
			made, each.version, each.abi, minimumMajor, minimumMinor, abiVersion)
		for _, setting := range []string{"LD_PRELOAD=" + made, "LD_LIBRARY_PATH=" + folder} {
			again := exec.Command(os.Args[0], "-test.run=^TestOtherLibrary$")
			again.Env = append(os.Environ(), "SENTIMENT_TEST_OTHER=1", setting)
			if out, err := again.CombinedOutput(); err != nil ||
				strings.Count(string(out), want) != 2 {
				t.Errorf("%s: %v, %s, want twice %s", setting, err, out, want)
			}
		}
	}
}
