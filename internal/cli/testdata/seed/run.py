"""Calls lambda_handler of a script as AWS Lambda would, for comparison.

usage: run.py SCRIPT EVENT [YYYY-MM-DD]

SCRIPT is run as it is, with two things settled from outside: its clients use
the endpoint in AWS_ENDPOINT_URL, which boto3 reads by itself only since
version 1.28, and its today is the date given, if one is.

Prints the answer as JSON. Where AWS refuses, the script ends with an
exception: {"error": "Code"} is printed then.
"""

import datetime
import functools
import importlib.util
import json
import os
import sys

import boto3
import botocore.exceptions

boto3.client = functools.partial(boto3.client, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def load(path):
    spec = importlib.util.spec_from_file_location("seed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fixed(day):
    class Date(datetime.date):
        @classmethod
        def today(cls):
            return day

    return Date


def main():
    script = load(sys.argv[1])
    if len(sys.argv) > 3:
        script.date = fixed(datetime.date.fromisoformat(sys.argv[3]))
    try:
        answer = script.lambda_handler(json.loads(sys.argv[2]), None)
    except botocore.exceptions.ClientError as err:
        answer = {"error": err.response["Error"]["Code"]}
    json.dump(answer, sys.stdout)


main()
