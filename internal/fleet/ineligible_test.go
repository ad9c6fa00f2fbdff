package fleet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/fleet"
)

func TestManagedBy(t *testing.T) {
	const eks, k8s = "is a node of the EKS cluster prod, which would replace it (tag ", "holds the nodes of a Kubernetes cluster; scale its node group instead (tag "
	for _, tt := range []struct {
		key, value      string
		instance, group string
	}{
		{"AutoStopStart", "Yes", "", ""},
		{"Name", "web", "", ""},
		{"aws:autoscaling:groupName", "web", "belongs to the Auto Scaling group web, which would replace it", ""},
		{"aws:elasticmapreduce:job-flow-id", "j-1", "is a node of the EMR cluster j-1, ", ""},
		{"aws:eks:cluster-name", "prod", eks + "aws:eks:cluster-name)", k8s},
		{"eks:cluster-name", "prod", eks + "eks:cluster-name)", k8s},
		{"eks:eks-cluster-name", "prod", eks, k8s},
		{"eks:nodegroup-name", "ng-1", "is a node of an EKS cluster, ", k8s},
		{"alpha.eksctl.io/nodegroup-name", "ng-1", "is a node of an EKS cluster, ", k8s},
		{"kubernetes.io/cluster/prod", "owned", eks + "kubernetes.io/cluster/prod)", k8s},
		{"kubernetes.io/cluster/prod", "shared", "", k8s},
		{"k8s.io/cluster-autoscaler/enabled", "true", "", k8s},
		{"karpenter.sh/nodepool", "default", "is a node that Karpenter has started, ", ""},
		{"karpenter.sh/provisioner-name", "default", "is a node that Karpenter has started, ", ""},
		{"karpenter.sh/managed-by", "prod", "is a node that Karpenter has started, ", ""},
		{"karpenter.sh/nodeclaim", "default-x", "is a node that Karpenter has started, ", ""},
		{"karpenter.sh/discovery", "prod", "", ""},
		{"AmazonECSManaged", "", "is managed by an ECS capacity provider, which", "is managed by an ECS capacity provider; scale"},
		{"AWSBatchServiceTag", "batch", "belongs to a compute environment of AWS Batch, ", "belongs to a compute environment of AWS Batch, "},
		{"aws:pcs:compute-node-group-id", "pcs_1", "belongs to the AWS PCS compute node group pcs_1, ", ""},
		{"parallelcluster:node-type", "Compute", "is a compute node of AWS ParallelCluster, ", ""},
		{"parallelcluster:node-type", "HeadNode", "", ""},
		{"elasticbeanstalk:environment-name", "shop", "belongs to the Elastic Beanstalk environment shop, ", "belongs to the Elastic Beanstalk environment shop, "},
		{"elasticbeanstalk:environment-id", "e-1", "belongs to the Elastic Beanstalk environment e-1, ", "belongs to the Elastic Beanstalk environment e-1, "},
		{"aws:ec2:fleet-id", "fleet-1", "was launched by the EC2 Fleet fleet-1, ", ""},
		{"aws:ec2spot:fleet-request-id", "sfr-1", "was launched by the Spot Fleet sfr-1, ", ""},
		{"CreatedBy", "EC2 Image Builder", "builds an image for EC2 Image Builder, ", ""},
		{"CreatedBy", "terraform", "", ""},
		{"Ec2ImageBuilderArn", "arn:aws:imagebuilder:…", "builds an image for EC2 Image Builder, ", ""},
		{"Name", "AWS Elastic Disaster Recovery Replication Server", "replicates servers without a pause; ", ""},
		{"Name", "AWS Elastic Disaster Recovery Conversion Server", "prepares a server for its launch ", ""},
		{"Name", "AWS Application Migration Service Replication Server", "replicates servers without a pause; ", ""},
		{"Name", "AWS Application Migration Service Conversion Server", "prepares a server for its launch ", ""},
		// What was recovered or migrated is people's own.
		{"AWSElasticDisasterRecoveryManaged", "drs.amazonaws.com", "", ""},
		{"AWSApplicationMigrationServiceManaged", "mgn.amazonaws.com", "", ""},
		{"AWSRDSCustom", "custom-oracle", "is the host of an RDS Custom database; ", ""},
		{"ams:resourceOwner", "AMS", "belongs to AWS Managed Services ", "belongs to AWS Managed Services "},
		{"AppId", "AMSInfrastructure", "belongs to AWS Managed Services ", "belongs to AWS Managed Services "},
		{"AppId", "shop", "", ""},
		// It stops itself when nobody works in it, and is started manually.
		{"aws:cloud9:environment", "c9", "", ""},
	} {
		tags := fleet.Tags{"AutoStopStart": "Yes", tt.key: tt.value}
		for kind, want := range map[fleet.Kind]string{fleet.KindInstance: tt.instance, fleet.KindGroup: tt.group, fleet.KindDatabase: "", fleet.KindCluster: ""} {
			got := fleet.ManagedBy(kind, tags)
			if !strings.HasPrefix(got.Text, want) || (want == "") != (got == fleet.Reason{}) || strings.Contains(got.Text, "{") {
				t.Errorf("%s=%s, %s: %+v, want %q", tt.key, tt.value, kind, got, want)
			}
			code := "managed"
			if tt.key == "aws:autoscaling:groupName" {
				code = "auto-scaling"
			}
			if want != "" && got.Code != code {
				t.Errorf("%s, %s: code %q, want %q", tt.key, kind, got.Code, code)
			}
		}
	}
}

// Of two tags with a prefix the first in order counts, whatever the order of the
// map.
func TestManagedByIsTheSameEveryTime(t *testing.T) {
	tags := fleet.Tags{"kubernetes.io/cluster/b": "owned", "kubernetes.io/cluster/a": "owned", "kubernetes.io/cluster/0": "shared"}
	for range 50 {
		if got := fleet.ManagedBy(fleet.KindInstance, tags).Text; !strings.Contains(got, "cluster a,") {
			t.Fatal(got)
		}
	}
}

func TestIneligible(t *testing.T) {
	cannot, managed := fleet.Reason{Code: "c", Text: "cannot"}, fleet.Reason{Code: "m", Text: "managed"}
	for _, tt := range []struct {
		is   fleet.Ineligible
		want fleet.Reason
	}{
		{fleet.Ineligible{}, fleet.Reason{}},
		{fleet.Ineligible{Cannot: cannot}, cannot},
		{fleet.Ineligible{Managed: managed}, managed},
		{fleet.Ineligible{Cannot: cannot, Managed: managed}, managed},
	} {
		m := fleet.Instance{Ineligible: tt.is}.Machine()
		if m.Ineligible.Reason() != tt.want || m.Eligible() != (tt.want == fleet.Reason{}) {
			t.Errorf("%+v: %+v, eligible %t", tt.is, m.Ineligible.Reason(), m.Eligible())
		}
	}
}

// The guide names every service and tag in the order of the table.
func TestManagersAreDocumented(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "scheduling.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(guide), "### Machines of another service\n")
	if !found {
		t.Fatal("the section is not there")
	}
	for _, m := range fleet.Managers() {
		mark := m.Tag.Key
		if m.Prefix {
			mark += "…"
		}
		if m.Tag.Value != "" {
			mark += "=" + m.Tag.Value
		}
		var row []string
		for line := range strings.Lines(table) {
			if strings.HasPrefix(line, "| "+m.Service+" |") {
				row = strings.Split(line, "|")
			}
		}
		if len(row) != 5 {
			t.Errorf("%s has no row", m.Service)
			continue
		}
		for n, sentence := range map[int]string{2: m.Instance, 3: m.Group} {
			if strings.Contains(row[n], "`"+mark+"`") != (sentence != "") {
				t.Errorf("%s: %q in column %d, and the table says %q", m.Service, row[n], n, sentence)
			}
		}
	}
}
