package catalog

import (
	"fmt"
	"strconv"
)

// HostKind is what the Dedicated Hosts of an instance family are made of.
type HostKind struct {
	Family               string
	Sockets, Cores, CPUs int64
}

// LoadHosts reads the kinds of Dedicated Hosts, by family.
func LoadHosts() (map[string]HostKind, error) {
	kinds := map[string]HostKind{}
	err := EachRow("hosts.csv", 4, func(r []string) error {
		k := HostKind{Family: r[0]}
		for n, into := range []*int64{&k.Sockets, &k.Cores, &k.CPUs} {
			v, err := strconv.ParseInt(r[n+1], 10, 64)
			if err != nil {
				return fmt.Errorf("host %s: %w", k.Family, err)
			}
			*into = v
		}
		kinds[k.Family] = k
		return nil
	})
	return kinds, err
}

// Family lists the virtual sizes of an instance family, by name.
func (t Types) Family(name string) []Type {
	var sizes []Type
	for _, full := range t.sorted {
		if s := t.specs[full]; s.Family == name && !s.BareMetal {
			sizes = append(sizes, s)
		}
	}
	return sizes
}
