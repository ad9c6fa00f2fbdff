package sandbox

import (
	"fmt"
	"strconv"
)

// hostKind is what the Dedicated Hosts of an instance family are made of.
type hostKind struct {
	family               string
	sockets, cores, cpus int64
}

// loadHosts reads the kinds of Dedicated Hosts, by family.
func loadHosts() (map[string]hostKind, error) {
	kinds := map[string]hostKind{}
	err := eachRow("hosts.csv", 4, func(r []string) error {
		k := hostKind{family: r[0]}
		for n, into := range []*int64{&k.sockets, &k.cores, &k.cpus} {
			v, err := strconv.ParseInt(r[n+1], 10, 64)
			if err != nil {
				return fmt.Errorf("host %s: %w", k.family, err)
			}
			*into = v
		}
		kinds[k.family] = k
		return nil
	})
	return kinds, err
}

// family lists the virtual sizes of an instance family, by name.
func (t typeTable) family(name string) []typeSpec {
	var sizes []typeSpec
	for _, full := range t.sorted {
		if s := t.specs[full]; s.Family == name && !s.BareMetal {
			sizes = append(sizes, s)
		}
	}
	return sizes
}
