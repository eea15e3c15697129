// SPDX-License-Identifier: Apache-2.0

package sentiment_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"libsentiment/sentiment"
)

func Example() {
	model, err := sentiment.Default() // or sentiment.Load("model.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	answer, err := model.Predict(context.Background(), "I love this product!")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Label)
	// Output: positive
}

func ExampleModel_Predict() {
	model, err := sentiment.Default()
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	answer, err := model.Predict(context.Background(), "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Tokens, "tokens:", answer.Flags)
	fmt.Println(len(answer.Probabilities), "classes:", strings.Join(model.Labels(), ", "))
	// Output:
	// 0 tokens: empty
	// 3 classes: negative, neutral, positive
}

func ExampleModel_Predict_errors() {
	model, err := sentiment.Default()
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	_, err = model.Predict(context.Background(), "good \xff")
	var detail *sentiment.Error
	if errors.Is(err, sentiment.ErrInvalidUTF8) && errors.As(err, &detail) {
		fmt.Println("no UTF-8 at byte", detail.Offset)
	}
	// Output: no UTF-8 at byte 5
}

func ExampleModel_PredictBatch() {
	model, err := sentiment.Default()
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	texts := []string{"Great value.", "A terrible waste of money.", "\xff"}
	batch, err := model.PredictBatch(ctx, texts)
	if err != nil {
		log.Fatal(err)
	}
	for answer, err := range batch.All() {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(answer.Label)
	}
	// Output:
	// positive
	// negative
	// sentiment: text 2: invalid UTF-8 at byte 0
}

func ExampleModel_Explain() {
	model, err := sentiment.Default()
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	why, err := model.Explain(context.Background(), "not good")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(why.Label)
	for _, each := range why.Contributions {
		fmt.Println(each.Token, each.Logits[why.Prediction.Prediction] > 0)
	}
	// Output:
	// negative
	// not true
	// good true
}

func ExampleModel_Tokenize() {
	model, err := sentiment.Default()
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	tokens, err := model.Tokenize("Good, no?")
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range tokens {
		fmt.Printf("%d-%d %s\n", token.Start, token.End, token.Text)
	}
	// Output:
	// 0-4 Good
	// 4-5 ,
	// 6-8 no
	// 8-9 ?
}

func ExampleModel_Stream() {
	model, err := sentiment.Default()
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	stream, err := model.Stream()
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	ctx := context.Background()
	for _, piece := range []string{"The room was gre", "at, I loved ", "it."} {
		if err := stream.Feed(ctx, piece); err != nil {
			log.Fatal(err)
		}
	}
	answer, err := stream.End(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Label)
	// Output: positive
}

func ExampleLoad() {
	_, err := sentiment.Load("nowhere.safetensors")
	fmt.Println(errors.Is(err, sentiment.ErrNotFound), err)
	// Output: true sentiment: nowhere.safetensors: cannot open: No such file or directory
}

func ExampleModel_Clone() {
	model, err := sentiment.Default()
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	fast, err := model.Clone(sentiment.WithPrecision(sentiment.PrecisionInt8))
	if err != nil {
		log.Fatal(err)
	}
	defer fast.Close()
	fmt.Println(model.SessionInfo().Precision, fast.SessionInfo().Precision)
	// Output: fp32 int8
}
