package amazon

// SetPage makes pages of names small enough for a test.
func (o *Objects) SetPage(n int32) { o.page = n }
