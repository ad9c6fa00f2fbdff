package amazon

import "context"

// SetPage makes pages of names small enough for a test.
func (o *Objects) SetPage(n int32) { o.page = n }

// Ask captures an operation that ends with an error, and asks it.
func Ask(ctx context.Context, action string, err error) error {
	type options struct{}
	_, err = capture(newSession(), action, func(context.Context, *int, ...func(*options)) (*int, error) { return nil, err })(ctx, nil)
	return err
}
