package sandbox

// services are the services of the sandbox, S3 with its store. A nil store does
// for their operations.
func services(store *Store) []Service {
	return []Service{
		ec2Service(),
		pricingService(),
		rdsService(),
		cloudWatchService(),
		costService(),
		s3Service(store),
		autoScalingService(),
		OrganizationsService(),
		ssmService(),
		STSService(),
	}
}
