package amazon

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// pages asks for all pages of an answer, one after the other. Next reads from a
// page the token of the one after it, if there is one, which is put into the
// request where token points to. A page may be empty and not be the last. An
// error ends the pages.
func pages[In, Out any](
	ctx context.Context, ask operation[In, Out], in *In, token **string, next func(*Out) *string,
) iter.Seq2[*Out, error] {
	return func(yield func(*Out, error) bool) {
		for {
			out, err := ask(ctx, in)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(out, nil) {
				return
			}
			if *token = next(out); aws.ToString(*token) == "" {
				return
			}
		}
	}
}

// each yields what the pages list, in terms of ours. An error ends it.
func each[Out, Item, T any](pages iter.Seq2[*Out, error], list func(*Out) []Item, convert func(Item) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for out, err := range pages {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range list(out) {
				if !yield(convert(item), nil) {
					return
				}
			}
		}
	}
}

// collect reads a sequence to its end. After an error it holds what was read.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}
