// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include <sentiment/sentiment.h>
import "C"

import "context"

// spare keeps cancel tokens for the next context.
var spare = make(chan *C.sentiment_cancel, 64)

func takeToken() (*C.sentiment_cancel, error) {
	select {
	case token := <-spare:
		return token, nil
	default:
	}
	var token *C.sentiment_cancel
	reason := detail()
	if status := C.sentiment_cancel_create(&token, reason); status != C.SENTIMENT_OK {
		return nil, failure(status, reason, nil)
	}
	return token, nil
}

func giveToken(token *C.sentiment_cancel) {
	C.sentiment_cancel_reset(token)
	select {
	case spare <- token:
	default:
		C.sentiment_cancel_free(token)
	}
}

// watch makes a token that is set when ctx ends; nil where it never does. The second result
// must be called when no work watches the token any more.
func watch(ctx context.Context) (*C.sentiment_cancel, func(), error) {
	if ctx.Done() == nil {
		return nil, func() {}, nil
	}
	token, err := takeToken()
	if err != nil {
		return nil, nil, err
	}
	set := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		C.sentiment_cancel_request(token)
		close(set)
	})
	return token, func() {
		if !stop() {
			<-set // it has started: it must not touch a token that is somebody else's
		}
		giveToken(token)
	}, nil
}
