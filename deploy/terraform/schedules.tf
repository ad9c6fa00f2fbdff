locals {
  at = ", \"scheduled_at\": \"<aws.scheduler.scheduled-time>\"}"

  # The jobs, an entry each, with their expressions by default. Machines that follow
  # rules are not stopped and started by their tag, too, unless somebody sets when.
  all_jobs = merge({
    stop = {
      does    = "Stops the tagged instances.", when = local.rules ? "" : "cron(0 19 ? * MON-FRI *)"
      input   = "{\"action\": \"stop\"${local.at}"
      age     = 600
      retries = 10
    }
    start = {
      does    = "Starts the tagged instances.", when = local.rules ? "" : "cron(0 8 ? * MON-FRI *)"
      input   = "{\"action\": \"start\"${local.at}"
      age     = 600
      retries = 10
    }
    report = {
      does    = "Writes the cost report.", when = "cron(0 7 ? * MON *)"
      input   = "{\"action\": \"report\"${local.at}"
      age     = 21600
      retries = 30
    }
    }, local.rules ? {
    power = {
      does    = "Stops and starts what follows schedules.", when = "rate(5 minutes)"
      input   = "{\"action\": \"power\"}"
      age     = 300
      retries = 5
    }
    } : {}, var.backups ? {
    backup = {
      does    = "Makes the copies that are due.", when = "rate(15 minutes)"
      input   = "{\"action\": \"backup\"}"
      age     = 900
      retries = 5
    }
  } : {})

  jobs = { for job, j in local.all_jobs : job => merge(j, { when = lookup(var.schedules, job, j.when) }) }
}

resource "aws_scheduler_schedule_group" "schedules" {
  name = "${var.name}-schedules"
  tags = var.tags
}

resource "aws_scheduler_schedule" "job" {
  for_each                     = { for job, j in local.jobs : job => j if j.when != "" }
  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.schedules.name
  description                  = each.value.does
  state                        = var.enabled ? "ENABLED" : "DISABLED"
  schedule_expression          = each.value.when
  schedule_expression_timezone = lookup(var.timezones, each.key, var.timezone)

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.nightshift.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = each.value.input

    retry_policy {
      maximum_event_age_in_seconds = each.value.age
      maximum_retry_attempts       = each.value.retries
    }

    dead_letter_config {
      arn = aws_sqs_queue.undelivered.arn
    }
  }
}
