// SPDX-License-Identifier: Apache-2.0

// Package sentiment tells the sentiment of texts: it is the Go binding of libsentiment.
//
//	model, err := sentiment.Load("models/sentiment-en.safetensors")
//	if err != nil {
//		return err
//	}
//	defer model.Close()
//	answer, err := model.Predict(ctx, "I love this product!")
//
// A [Model] may be used by any number of goroutines. Each call that computes takes one of the
// model's sessions and returns it; [WithSessions] says how many there may be, and a call waits
// for a free one as long as its context lets it. [Model.PredictBatch] answers many texts in one
// call of the library. Contexts also stop loads and batches that have begun.
//
// Errors that come from the library are of type *[Error] and match a sentinel, such as
// [ErrInvalidUTF8], with errors.Is. After Close every method returns [ErrClosed].
//
// The library is found with pkg-config. The build tag sentiment_static puts libsentiment.a into
// the program instead.
package sentiment
