// SPDX-License-Identifier: Apache-2.0

// What the Go binding costs, to be held against c_bench.c.
//
//	go_bench MODEL single ROUNDS        {"single": seconds a call of Predict}
//	go_bench MODEL batch FILE ROUNDS    {"batch": seconds of PredictBatch over the lines}
//
// Medians over the rounds; a round of single is 20,000 calls with a short text.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"libsentiment/sentiment"
)

const calls = 20000

// measure is the median time of a round, after one that warms up.
func measure(rounds int, round func() error) (float64, error) {
	seconds := make([]float64, rounds)
	if err := round(); err != nil {
		return 0, err
	}
	for i := range seconds {
		start := time.Now()
		if err := round(); err != nil {
			return 0, err
		}
		seconds[i] = time.Since(start).Seconds()
	}
	slices.Sort(seconds)
	return seconds[rounds/2], nil
}

func single(model *sentiment.Model, rounds int) (float64, error) {
	ctx := context.Background()
	seconds, err := measure(rounds, func() error {
		for range calls {
			if _, err := model.Predict(ctx, "word_1 word_2 word_3"); err != nil {
				return err
			}
		}
		return nil
	})
	return seconds / calls, err
}

func batch(model *sentiment.Model, file string, rounds int) (float64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	texts := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	ctx := context.Background()
	return measure(rounds, func() error {
		_, err := model.PredictBatch(ctx, texts)
		return err
	})
}

func run(arguments []string) error {
	if len(arguments) < 3 {
		return fmt.Errorf("usage: go_bench MODEL single ROUNDS | MODEL batch FILE ROUNDS")
	}
	rounds, err := strconv.Atoi(arguments[len(arguments)-1])
	if err != nil || rounds < 1 {
		return fmt.Errorf("rounds: %q is not a number of at least 1", arguments[len(arguments)-1])
	}
	model, err := sentiment.Load(arguments[0])
	if err != nil {
		return err
	}
	defer model.Close()
	var seconds float64
	if arguments[1] == "batch" && len(arguments) == 4 {
		seconds, err = batch(model, arguments[2], rounds)
	} else {
		seconds, err = single(model, rounds)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{arguments[1]: seconds})
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go_bench:", err)
		os.Exit(1)
	}
}
