package sandbox

import "slices"

// tag is a key and a value.
type tag struct{ key, value string }

// tags are a resource's tags in the order in which they were set.
type tags []tag

func (t tags) get(key string) (string, bool) {
	for _, x := range t {
		if x.key == key {
			return x.value, true
		}
	}
	return "", false
}

// with returns the tags with one set.
func (t tags) with(key, value string) tags {
	for i, x := range t {
		if x.key == key {
			c := slices.Clone(t)
			c[i].value = value
			return c
		}
	}
	return append(slices.Clone(t), tag{key, value})
}

// without returns the tags with one removed: any value, or only the given.
func (t tags) without(key string, value *string) tags {
	return slices.DeleteFunc(slices.Clone(t), func(x tag) bool {
		return x.key == key && (value == nil || x.value == *value)
	})
}

func (t tags) asMap() map[string]string {
	m := make(map[string]string, len(t))
	for _, x := range t {
		m[x.key] = x.value
	}
	return m
}

func (t tags) keys() []string {
	list := make([]string, len(t))
	for n, x := range t {
		list[n] = x.key
	}
	return list
}

func (t tags) values() []string {
	list := make([]string, len(t))
	for n, x := range t {
		list[n] = x.value
	}
	return list
}
