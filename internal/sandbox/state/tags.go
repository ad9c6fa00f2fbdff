package state

import "slices"

// Tag is a key and a value.
type Tag struct{ Key, Value string }

// Tags are a resource's tags in the order in which they were set.
type Tags []Tag

// Get finds the value of a key.
func (t Tags) Get(key string) (string, bool) {
	for _, x := range t {
		if x.Key == key {
			return x.Value, true
		}
	}
	return "", false
}

// With returns the tags with one set.
func (t Tags) With(key, value string) Tags {
	for i, x := range t {
		if x.Key == key {
			c := slices.Clone(t)
			c[i].Value = value
			return c
		}
	}
	return append(slices.Clone(t), Tag{key, value})
}

// Without returns the tags with one removed: any value, or only the given.
func (t Tags) Without(key string, value *string) Tags {
	return slices.DeleteFunc(slices.Clone(t), func(x Tag) bool {
		return x.Key == key && (value == nil || x.Value == *value)
	})
}

// Map are the values by key.
func (t Tags) Map() map[string]string {
	m := make(map[string]string, len(t))
	for _, x := range t {
		m[x.Key] = x.Value
	}
	return m
}

// Keys are the keys, in order.
func (t Tags) Keys() []string {
	list := make([]string, len(t))
	for n, x := range t {
		list[n] = x.Key
	}
	return list
}

// Values are the values, in the order of the keys.
func (t Tags) Values() []string {
	list := make([]string, len(t))
	for n, x := range t {
		list[n] = x.Value
	}
	return list
}
