"""An S3 server (moto) that checks signatures, with one bucket of one object.

    python3 objects.py FILE KEY [DIRECTORY]

Prints PORT, access key and secret on one line, and serves until its standard input ends. With a directory it is behind
a door that a test can spoil: see door.py.
"""
import logging
import os
import sys
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

sys.dont_write_bytecode = True
sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../../Servers")
from door import Door

path, key, *directory = sys.argv[1:]
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
where = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1"}
where |= {"aws_access_key_id": "setup", "aws_secret_access_key": "setup"}
store = boto3.client("s3", **where)
store.create_bucket(Bucket="assets")
with open(path, "rb") as body:
    store.put_object(Bucket="assets", Key=key, Body=body)
users = boto3.client("iam", **where)
users.create_user(UserName="host")
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
users.put_user_policy(UserName="host", PolicyName="all", PolicyDocument=policy)
made = users.create_access_key(UserName="host")["AccessKey"]
# From here on every request is judged by its signature.
reset = urllib.request.Request(f"{where['endpoint_url']}/moto-api/reset-auth", data=b"0")
reset.add_header("Content-Type", "application/octet-stream")
urllib.request.urlopen(reset).read()
print(Door(port, directory[0]).port if directory else port, made["AccessKeyId"], made["SecretAccessKey"], flush=True)
sys.stdin.read()
server.stop()
