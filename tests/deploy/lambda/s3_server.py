# SPDX-License-Identifier: Apache-2.0
"""s3_server.py FILE: a local S3 (moto) with FILE in it, which checks signatures and rights.

Prints a line of JSON, the environment of a function whose role may read the objects
models/ of the bucket `bucket` (and nothing of `other`), then runs until its standard
input ends. Runs under the Python of requirements.txt.
"""
import json
import sys

import boto3
from moto import settings
from moto.server import ThreadedMotoServer

REGION = 'eu-central-1'
KEYS = ['models/model.safetensors', "models/a b+c/m\u00f6d'el(1)%~!*=@:,.safetensors", 'models/bad']
POLICY = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': 'arn:aws:s3:::bucket/models/*'}]}
TRUST = {'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Action': 'sts:AssumeRole',
     'Principal': {'Service': 'lambda.amazonaws.com'}}]}


def fill(endpoint, path):
    """Buckets, objects and a role; the role's keys."""
    def client(name):
        return boto3.client(name, region_name=REGION, endpoint_url=endpoint,
                            aws_access_key_id='test', aws_secret_access_key='test')
    store, rights = client('s3'), client('iam')
    for bucket in ('bucket', 'other'):
        store.create_bucket(Bucket=bucket,
                            CreateBucketConfiguration={'LocationConstraint': REGION})
    with open(path, 'rb') as file:
        model = file.read()
    for bucket, key, data in [*(('bucket', key, model) for key in KEYS[:2]),
                              ('bucket', KEYS[2], model[:1000]), ('other', KEYS[0], model)]:
        store.put_object(Bucket=bucket, Key=key, Body=data)
    rights.create_role(RoleName='function', AssumeRolePolicyDocument=json.dumps(TRUST))
    rights.put_role_policy(RoleName='function', PolicyName='read',
                           PolicyDocument=json.dumps(POLICY))
    return client('sts').assume_role(RoleArn='arn:aws:iam::123456789012:role/function',
                                     RoleSessionName='function')['Credentials']


def main(path):
    """See above."""
    server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    endpoint = 'http://%s:%d' % server.get_host_and_port()
    keys = fill(endpoint, path)
    # From here on every request needs a signature that is right, and the right.
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    print(json.dumps({'AWS_ENDPOINT_URL': endpoint, 'AWS_REGION': REGION,
                      'AWS_DEFAULT_REGION': REGION,
                      'AWS_ACCESS_KEY_ID': keys['AccessKeyId'],
                      'AWS_SECRET_ACCESS_KEY': keys['SecretAccessKey'],
                      'AWS_SESSION_TOKEN': keys['SessionToken']}), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == '__main__':
    main(sys.argv[1])
