package sandbox

import (
	"nightshift/internal/sandbox/autoscaling"
	"nightshift/internal/sandbox/backup"
	"nightshift/internal/sandbox/billing"
	"nightshift/internal/sandbox/cloudformation"
	"nightshift/internal/sandbox/cloudwatch"
	"nightshift/internal/sandbox/ebs"
	"nightshift/internal/sandbox/ec2"
	"nightshift/internal/sandbox/iam"
	"nightshift/internal/sandbox/kms"
	"nightshift/internal/sandbox/lambda"
	"nightshift/internal/sandbox/pricing"
	"nightshift/internal/sandbox/quotas"
	"nightshift/internal/sandbox/rbin"
	"nightshift/internal/sandbox/rds"
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/secrets"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/sns"
	"nightshift/internal/sandbox/ssm"
)

// services are the services of the sandbox, S3 with its store and Lambda with the
// host of its functions. Without both they only name their operations.
func services(store *s3.Store, functions *lambda.Host) []service.Service {
	return []service.Service{
		ec2.Service(),
		ebs.Service(),
		pricing.Service(),
		rds.Service(),
		cloudwatch.Service(),
		billing.Service(),
		cloudformation.Service(store, functions),
		s3.Service(store),
		autoscaling.Service(),
		backup.Service(),
		iam.OrganizationsService(),
		kms.Service(),
		lambda.Service(functions),
		rbin.Service(),
		secrets.Service(),
		quotas.Service(),
		sns.Service(),
		ssm.Service(),
		iam.STSService(),
	}
}
