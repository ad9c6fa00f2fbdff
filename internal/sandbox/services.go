package sandbox

// services are the services of the sandbox, S3 with its store. A nil store does
// for their operations.
func services(store *objectStore) []service {
	return []service{
		ec2Service(),
		pricingService(),
		rdsService(),
		cloudWatchService(),
		costService(),
		s3Service(store),
		autoScalingService(),
		organizationsService(),
		ssmService(),
		stsService(),
	}
}
