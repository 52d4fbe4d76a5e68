"""Subscribes with MLflow's own client, receives what the server sends, checks it with MLflow's own signing function."""
import http.server
import json
import queue
import sys
import threading

from mlflow import MlflowClient, register_prompt
from mlflow.entities.webhook import WebhookStatus
from mlflow.exceptions import MlflowException
from mlflow.webhooks.delivery import _generate_hmac_signature
from mlflow.webhooks.types import EVENT_TO_PAYLOAD_CLASS

received = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        received.put((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"seen")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/hook"
client = MlflowClient()
result = {}

events = [f"{entity}.{action}" for entity, action in EVENT_TO_PAYLOAD_CLASS if entity != "budget_policy"]
hook = client.create_webhook(name="all", url=url, events=events, description="everything", secret="hush")
result["created"] = [hook.name, hook.description, str(hook.status), hook.secret, len(hook.events) == len(events)]
quiet = client.create_webhook(name="off", url=url, events=["prompt.created"], status="DISABLED")
result["listed"] = [one.name for one in client.list_webhooks()]
result["got"] = client.get_webhook(hook.webhook_id).url == url
tested = client.test_webhook(hook.webhook_id, event="model_version.created")
result["tested"] = [tested.success, tested.response_status, tested.response_body]
received.get(timeout=60)

client.create_registered_model("m", tags={"a": "b"})
client.create_model_version("m", "s3://bucket/model", description="first")
client.set_model_version_tag("m", "1", "k", "v")
client.delete_model_version_tag("m", "1", "k")
client.set_registered_model_alias("m", "best", "1")
client.delete_registered_model_alias("m", "best")
register_prompt("p", "Hello {{name}}")

seen = set()
signed = True
shapes = True
for _ in range(8):
    headers, body = received.get(timeout=60)
    message = json.loads(body)
    seen.add(f"{message['entity']}.{message['action']}")
    expected = _generate_hmac_signature("hush", headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"], body)
    signed = signed and headers["X-MLflow-Signature"] == expected
    for (entity, action), payload in EVENT_TO_PAYLOAD_CLASS.items():
        if (entity, action) == (message["entity"], message["action"]):
            shapes = shapes and set(message["data"]) == set(payload.__annotations__)
result["seen"] = sorted(seen)
result["signed"] = signed
result["shapes"] = shapes

changed = client.update_webhook(hook.webhook_id, name="renamed", status=WebhookStatus.DISABLED, events=["prompt.created"])
result["changed"] = [changed.name, str(changed.status), [str(event) for event in changed.events], changed.description]
client.delete_webhook(quiet.webhook_id)
try:
    client.get_webhook(quiet.webhook_id)
except MlflowException as error:
    result["gone"] = error.error_code
try:
    client.create_webhook(name="bad", url="ftp://example.com/", events=["prompt.created"])
except MlflowException as error:
    result["refused"] = error.error_code

with open(sys.argv[1], "w") as file:
    json.dump(result, file)
