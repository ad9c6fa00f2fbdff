package cloudformation

import (
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/state"
)

// create makes a resource and says why it cannot.
func (s *stack) create(r *record, made map[string]any) string {
	all := state.Slot[stacks](s.region)
	all.seeds++
	r.properties, r.tags = made, s.tags
	r.name = s.physicalName(r.resource, made, all.seeds)
	switch r.kind {
	case "AWS::S3::Bucket":
		if all.store.Owner(r.name) != "" {
			return handlerMessage(r.kind, r.name+" already exists", "AlreadyExists")
		}
		if err := all.store.Create(r.name, s3.BucketHome{Region: s.region.Name, Owner: s.region.Owner}); err != nil {
			return handlerMessage(r.kind, err.Error(), "InvalidRequest")
		}
	}
	r.physical = r.name
	if ref := kinds()[r.kind].ref; ref != "" {
		r.physical = r.fill(ref, s.region)
	}
	return ""
}

// update changes a resource and says why it cannot.
func (s *stack) update(r *record, to resource, made map[string]any) string {
	r.resource, r.properties, r.tags = to, made, s.tags
	return ""
}

// remove deletes a resource and says why it cannot.
func (s *stack) remove(r *record) string {
	if r.physical == "" {
		return ""
	}
	all := state.Slot[stacks](s.region)
	switch r.kind {
	case "AWS::S3::Bucket":
		if len(all.store.Objects(r.name)) > 0 {
			return handlerMessage(r.kind, "The bucket you tried to delete is not empty", "BucketNotEmpty")
		}
		if err := all.store.Remove(r.name); err != nil {
			return handlerMessage(r.kind, err.Error(), "GeneralServiceException")
		}
	}
	return ""
}
