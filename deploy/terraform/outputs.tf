output "function_name" {
  description = "Name of the function, for `aws lambda invoke`."
  value       = aws_lambda_function.nightshift.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.nightshift.arn
}

output "function_role_arn" {
  description = "ARN of the function's role, for the trust policy of roles in other accounts."
  value       = aws_iam_role.function.arn
}

output "report_bucket" {
  description = "Bucket that receives the reports."
  value       = local.bucket
}

output "undelivered_queue" {
  description = "Queue of events that could not be handled. It should be empty."
  value       = aws_sqs_queue.undelivered.url
}

output "log_group_name" {
  description = "Log of the function."
  value       = aws_cloudwatch_log_group.log.name
}

output "alarm_topic_arn" {
  description = "Topic that receives the alarms."
  value       = local.topic
}

output "schedule_group" {
  description = "Group of the schedules."
  value       = aws_scheduler_schedule_group.schedules.name
}
