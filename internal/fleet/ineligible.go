package fleet

import "strings"

// Ineligible is why a machine is not stopped and started at all, or not now. The
// zero value is that of a machine that can be.
type Ineligible struct {
	// Cannot is why it cannot be stopped and started, whatever a rule says.
	Cannot Reason
	// Managed is to which service it belongs, which starts, stops or replaces it
	// on its own. A rule can include it all the same.
	Managed Reason
}

// Reason is the one to report; zero where nothing is in the way.
func (i Ineligible) Reason() Reason {
	if i.Managed != (Reason{}) {
		return i.Managed
	}
	return i.Cannot
}

// Manager is a service that starts, stops or replaces machines on its own, with
// the tag by which they are known.
type Manager struct {
	Service string
	// Tag is the tag; without a value any value counts. Prefix is true where
	// its key is only the beginning of the tag's.
	Tag    Tag
	Prefix bool
	// Instance and Group say what an instance and an Auto Scaling group with
	// the tag are, and what happens when they are stopped. {name} stands for
	// the tag's value, or for the rest of its key after a prefix. Empty: such
	// machines are not the service's.
	Instance, Group string
	// Lasting is true where an instance is not replaced: it holds data for as long as
	// one of a person does.
	Lasting bool
}

const (
	clusterNode  = "is a node of the EKS cluster {name}, which would replace it"
	unnamedNode  = "is a node of an EKS cluster, which would replace it"
	nodeGroup    = "holds the nodes of a Kubernetes cluster; scale its node group instead"
	karpenter    = "is a node that Karpenter has started, which would replace it"
	replication  = "replicates servers without a pause; they fall behind while it is stopped"
	conversion   = "prepares a server for its launch and ends by itself"
	environment  = "belongs to the Elastic Beanstalk environment {name}, which would replace it"
	operatedCode = "managed"
)

// Managers are the services whose machines are not stopped and started, unless a
// rule includes them. The first whose tag a machine has counts. Each row names
// the page that documents the tag.
func Managers() []Manager {
	return []Manager{
		// "Tag Auto Scaling groups and instances", Amazon EC2 Auto Scaling User Guide
		{Service: "EC2 Auto Scaling", Tag: Tag{Key: "aws:autoscaling:groupName"}, Instance: "belongs to the Auto Scaling group {name}, which would replace it"},
		// "Tag and categorize Amazon EMR cluster resources", Amazon EMR Management Guide
		{Service: "Amazon EMR", Tag: Tag{Key: "aws:elasticmapreduce:job-flow-id"}, Instance: "is a node of the EMR cluster {name}, for which it would be lost with its data"},
		// "Organize Amazon EKS resources with tags", Amazon EKS User Guide
		{Service: "Amazon EKS", Tag: Tag{Key: "aws:eks:cluster-name"}, Instance: clusterNode, Group: nodeGroup},
		// "Simplify node lifecycle with managed node groups", Amazon EKS User Guide
		{Service: "Amazon EKS", Tag: Tag{Key: "eks:cluster-name"}, Instance: clusterNode, Group: nodeGroup},
		{Service: "Amazon EKS", Tag: Tag{Key: "eks:nodegroup-name"}, Instance: unnamedNode, Group: nodeGroup},
		// "AmazonEKSComputePolicy", AWS Managed Policy Reference (EKS Auto Mode)
		{Service: "Amazon EKS", Tag: Tag{Key: "eks:eks-cluster-name"}, Instance: clusterNode, Group: nodeGroup},
		// "Nodegroups", Eksctl User Guide
		{Service: "Amazon EKS", Tag: Tag{Key: "alpha.eksctl.io/nodegroup-name"}, Instance: unnamedNode, Group: nodeGroup},
		// "Create self-managed Amazon Linux nodes", Amazon EKS User Guide
		{Service: "Amazon EKS", Tag: Tag{Key: "kubernetes.io/cluster/", Value: "owned"}, Prefix: true, Instance: clusterNode, Group: nodeGroup},
		{Service: "Kubernetes", Tag: Tag{Key: "kubernetes.io/cluster/"}, Prefix: true, Group: nodeGroup},
		// "Auto-Discovery Setup", Cluster Autoscaler on AWS
		{Service: "Kubernetes", Tag: Tag{Key: "k8s.io/cluster-autoscaler/"}, Prefix: true, Group: nodeGroup},
		// "NodeClasses: spec.tags", Karpenter; "v1beta1 Migration" for the older one
		{Service: "Karpenter", Tag: Tag{Key: "karpenter.sh/nodepool"}, Instance: karpenter},
		{Service: "Karpenter", Tag: Tag{Key: "karpenter.sh/nodeclaim"}, Instance: karpenter},
		{Service: "Karpenter", Tag: Tag{Key: "karpenter.sh/provisioner-name"}, Instance: karpenter},
		// "Upgrade Guide", Karpenter: until 1.0 the value was the cluster's name
		{Service: "Karpenter", Tag: Tag{Key: "karpenter.sh/managed-by"}, Instance: karpenter},
		// "Amazon ECS capacity providers for EC2 workloads", Amazon ECS Developer Guide
		{
			Service: "Amazon ECS", Tag: Tag{Key: "AmazonECSManaged"},
			Instance: "is managed by an ECS capacity provider, which would replace it",
			Group:    "is managed by an ECS capacity provider; scale its services instead",
		},
		// "BatchServiceRolePolicy", AWS Managed Policy Reference
		{
			Service: "AWS Batch", Tag: Tag{Key: "AWSBatchServiceTag"},
			Instance: "belongs to a compute environment of AWS Batch, which would replace it",
			Group:    "belongs to a compute environment of AWS Batch, which sets its size by its jobs",
		},
		// "Tutorial: Tag your resources", AWS PCS User Guide; connecting to an instance by this tag
		{Service: "AWS PCS", Tag: Tag{Key: "aws:pcs:compute-node-group-id"}, Instance: "belongs to the AWS PCS compute node group {name}, which would replace it"},
		// "AWS ParallelCluster resources and tagging", AWS ParallelCluster User Guide
		{Service: "AWS ParallelCluster", Tag: Tag{Key: "parallelcluster:node-type", Value: "Compute"}, Instance: "is a compute node of AWS ParallelCluster, which would replace it"},
		// "Tagging resources in your Elastic Beanstalk environments", AWS Elastic Beanstalk Developer Guide
		{Service: "AWS Elastic Beanstalk", Tag: Tag{Key: "elasticbeanstalk:environment-name"}, Instance: environment, Group: "belongs to the Elastic Beanstalk environment {name}, which sets its size"},
		{Service: "AWS Elastic Beanstalk", Tag: Tag{Key: "elasticbeanstalk:environment-id"}, Instance: environment, Group: "belongs to the Elastic Beanstalk environment {name}, which sets its size"},
		// "Tag an EC2 Fleet" and "Spot Fleet", Amazon EC2 User Guide: EC2 adds the tags
		{Service: "EC2 Fleet", Tag: Tag{Key: "aws:ec2:fleet-id"}, Instance: "was launched by the EC2 Fleet {name}, which would replace it if it maintains its capacity"},
		{Service: "Spot Fleet", Tag: Tag{Key: "aws:ec2spot:fleet-request-id"}, Instance: "was launched by the Spot Fleet {name}, which would replace it if it maintains its capacity"},
		// "Configure a custom infrastructure: resource tags", EC2 Image Builder User Guide: reserved keys
		{Service: "EC2 Image Builder", Tag: Tag{Key: "CreatedBy", Value: "EC2 Image Builder"}, Instance: "builds an image for EC2 Image Builder, which ends it by itself"},
		{Service: "EC2 Image Builder", Tag: Tag{Key: "Ec2ImageBuilderArn"}, Instance: "builds an image for EC2 Image Builder, which ends it by itself"},
		// "Replication server settings", AWS Elastic Disaster Recovery User Guide
		{Service: "AWS Elastic Disaster Recovery", Tag: Tag{Key: "Name", Value: "AWS Elastic Disaster Recovery Replication Server"}, Instance: replication},
		{Service: "AWS Elastic Disaster Recovery", Tag: Tag{Key: "Name", Value: "AWS Elastic Disaster Recovery Conversion Server"}, Instance: conversion},
		// "Replication server settings", AWS Application Migration Service User Guide
		{Service: "AWS Application Migration Service", Tag: Tag{Key: "Name", Value: "AWS Application Migration Service Replication Server"}, Instance: replication},
		{Service: "AWS Application Migration Service", Tag: Tag{Key: "Name", Value: "AWS Application Migration Service Conversion Server"}, Instance: conversion},
		// "AmazonRDSCustomServiceRolePolicy", AWS Managed Policy Reference
		{Service: "Amazon RDS Custom", Tag: Tag{Key: "AWSRDSCustom"}, Instance: "is the host of an RDS Custom database; stop the DB instance instead", Lasting: true},
		// "Accelerate-managed tags", AMS Accelerate User Guide; "AMS infrastructure automatic tagging", AMS Advanced User Guide
		{Service: "AWS Managed Services", Tag: Tag{Key: "ams:resourceOwner", Value: "AMS"}, Instance: "belongs to AWS Managed Services", Group: "belongs to AWS Managed Services", Lasting: true},
		{Service: "AWS Managed Services", Tag: Tag{Key: "AppId", Value: "AMSInfrastructure"}, Instance: "belongs to AWS Managed Services", Group: "belongs to AWS Managed Services", Lasting: true},
	}
}

// ManagedBy says by its tags whether another service manages a machine.
func ManagedBy(kind Kind, tags Tags) Reason {
	return managedBy(kind, tags, func(Manager) bool { return true })
}

// EphemeralBy says by its tags whether another service replaces an instance, or ends it,
// so that what is on its volumes is not meant to last.
func EphemeralBy(tags Tags) Reason {
	return managedBy(KindInstance, tags, func(m Manager) bool { return !m.Lasting })
}

func managedBy(kind Kind, tags Tags, counts func(Manager) bool) Reason {
	for _, m := range Managers() {
		sentence := m.Instance
		if kind == KindGroup {
			sentence = m.Group
		}
		if sentence == "" || kind != KindInstance && kind != KindGroup || !counts(m) {
			continue
		}
		if key, name, ok := m.on(tags); ok {
			code := operatedCode
			if m.Tag.Key == "aws:autoscaling:groupName" {
				code = "auto-scaling"
			} else {
				sentence += " (tag " + key + ")"
			}
			return Reason{code, strings.ReplaceAll(sentence, "{name}", name)}
		}
	}
	return Reason{}
}

// on finds the tag of a machine that marks it as the manager's.
func (m Manager) on(tags Tags) (key, name string, ok bool) {
	if !m.Prefix {
		value, there := tags[m.Tag.Key]
		return m.Tag.Key, value, there && (m.Tag.Value == "" || m.Tag.Value == value)
	}
	for k, value := range tags {
		if rest, is := strings.CutPrefix(k, m.Tag.Key); is && (m.Tag.Value == "" || m.Tag.Value == value) && (!ok || k < key) {
			key, name, ok = k, rest, true // the first in order, whatever the order of the map
		}
	}
	return key, name, ok
}

// Operated is the reason of a machine whose operator is another service, as EC2
// itself says: it refuses to stop it for anybody else ("Amazon EC2 managed
// instances", Amazon EC2 User Guide).
func Operated(operator string) Reason {
	if operator == "" {
		operator = "an AWS service"
	}
	return Reason{operatedCode, "is managed by " + operator + ", which alone may stop and start it"}
}
