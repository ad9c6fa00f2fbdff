# The same settings as those of the CloudFormation template. Empty means the
# default that the description names.

variable "name" {
  description = "Name of the deployment: of its log, its resources and the dimension Stack of its metrics."
  type        = string
  default     = "nightshift"

  validation {
    condition     = can(regex("^[a-zA-Z][-a-zA-Z0-9]{0,31}$", var.name))
    error_message = "The name has 1 to 32 letters, digits and hyphens and begins with a letter."
  }
}

variable "policies" {
  description = "The policies that `nightshift policy --out-dir` writes for the role, as JSON. The role has exactly these and what it needs to run."
  type        = list(string)
}

variable "code_bucket" {
  description = "Bucket in this region with the archive of the program."
  type        = string
}

variable "code_key" {
  description = "Key of that archive."
  type        = string
}

variable "timezone" {
  description = "Time zone of the schedules and of the report's month, such as Asia/Seoul."
  type        = string
}

variable "config" {
  description = "Where nightshift.yaml is, as s3://bucket/key or ssm:/name. Empty means none."
  type        = string
  default     = ""

  validation {
    condition     = var.config == "" || can(regex("^(s3://[a-z0-9][a-z0-9.-]+/[^\"\\\\$*?={}\\s]+|ssm:/[a-zA-Z0-9_./-]+(:[0-9]+)?)$", var.config))
    error_message = "Write s3://bucket/key or ssm:/name."
  }
}

variable "rules" {
  description = "Whether the configuration has rules to follow. Without any the tag alone stops and starts. null means that a configuration has some."
  type        = bool
  default     = null
}

variable "backups" {
  description = "Whether the configuration has backup policies."
  type        = bool
  default     = false
}

variable "tag_key" {
  description = "Key of the tag that marks the instances to stop and start."
  type        = string
  default     = "AutoStopStart"
}

variable "tag_value" {
  description = "Value of that tag."
  type        = string
  default     = "Yes"
}

variable "regions" {
  description = "Regions to work in, or [\"all\"]. Empty means the region of the provider."
  type        = list(string)
  default     = []
}

variable "schedules" {
  description = "When the jobs power, report, stop, start and backup run, as EventBridge Scheduler expressions. An empty one leaves the job out. What is not named has the default of the template."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for job, _ in var.schedules : contains(["power", "report", "stop", "start", "backup"], job)])
    error_message = "The jobs are power, report, stop, start and backup."
  }
}

variable "timezones" {
  description = "Time zones of single jobs. What is not named has that of the deployment."
  type        = map(string)
  default     = {}
}

variable "power_period" {
  description = "Seconds of three intervals of power, for its alarm."
  type        = number
  default     = 900
}

variable "backup_period" {
  description = "Seconds of two intervals of backup, for its alarm."
  type        = number
  default     = 1800
}

variable "enabled" {
  description = "false installs everything and lets nothing happen by itself. Alarms are silent, too."
  type        = bool
  default     = true
}

variable "dry_run" {
  description = "With true every run only says what it would do."
  type        = bool
  default     = false
}

variable "report_bucket" {
  description = "A bucket of yours for the reports. Empty means that the module makes one."
  type        = string
  default     = ""
}

variable "report_prefix" {
  description = "What the names of reports in the bucket begin with."
  type        = string
  default     = "ec2/"
}

variable "report_key_arn" {
  description = "ARN of the KMS key that encrypts the module's bucket. Empty means S3's own."
  type        = string
  default     = ""
}

variable "data_key_arns" {
  description = "ARNs of KMS keys of buckets and parameters that the function reads or writes."
  type        = list(string)
  default     = []
}

variable "volume_key_arns" {
  description = "ARNs of KMS keys of volumes of machines that are started."
  type        = list(string)
  default     = []
}

variable "license_manager" {
  description = "Start instances with a license configuration of AWS License Manager, too."
  type        = bool
  default     = false
}

variable "alarm_email" {
  description = "Address that receives the alarms, once it has confirmed."
  type        = string
  default     = ""
}

variable "alarm_topic_arn" {
  description = "An SNS topic of yours that receives the alarms. Empty means that the module makes one."
  type        = string
  default     = ""
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles. Empty means none."
  type        = string
  default     = ""
}

variable "role_path" {
  description = "Path of roles and policies. Empty means /nightshift/NAME/."
  type        = string
  default     = ""
}

variable "architecture" {
  description = "Processor that the program was built for, arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "log_retention_days" {
  description = "Days for which the function's log is kept."
  type        = number
  default     = 90
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
}
