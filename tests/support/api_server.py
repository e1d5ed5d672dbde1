"""As much of a Kubernetes API server as `image sync --in-cluster` meets: lists of ReplicaSets over TLS.

api_server.py FOLDER: reads cert.pem, key.pem, token (who is let in), answer (ok, forbidden, missing, hang, gone) and
replicasets.json (the items) from FOLDER, at each request anew; writes its port to FOLDER/port and what it was asked to
FOLDER/requests.
"""
import http.server
import json
import os
import ssl
import sys
import time
import urllib.parse

folder = sys.argv[1]


def text(name):
    with open(os.path.join(folder, name)) as file:
        return file.read().strip()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def status(self, code, message):
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code})

    def do_GET(self):
        with open(os.path.join(folder, "requests"), "a") as log:
            log.write(self.path + "\n")
        if self.headers.get("Authorization") != "Bearer " + text("token"):
            return self.status(401, "Unauthorized")
        mode = text("answer")
        url = urllib.parse.urlparse(self.path)
        query = {key: values[0] for key, values in urllib.parse.parse_qs(url.query).items()}
        if mode == "forbidden":
            return self.status(403, 'replicasets.apps is forbidden: User "system:serviceaccount:prod:gate" cannot list')
        if mode == "missing":
            return self.status(404, "the server could not find the requested resource")
        if mode == "hang":
            time.sleep(60)
        if mode == "gone" and "continue" in query:  # once
            with open(os.path.join(folder, "answer"), "w") as file:
                file.write("ok")
            return self.status(410, "The provided continue parameter is too old")
        if url.path != "/apis/apps/v1/namespaces/prod/replicasets":
            return self.status(404, "not here: " + url.path)
        items = json.loads(text("replicasets.json"))
        if "labelSelector" in query:
            name, value = query["labelSelector"].split("=")
            items = [one for one in items if one["metadata"]["labels"].get(name) == value]
        begin = int(query.get("continue", "0"))
        end = begin + min(int(query["limit"]), 2)  # a server may give less than it was asked for
        metadata = {"resourceVersion": "1"}
        if end < len(items):
            metadata["continue"] = str(end)
        # Items of a list do not say their kind.
        self.answer(200, {"kind": "ReplicaSetList", "apiVersion": "apps/v1", "metadata": metadata,
                          "items": items[begin:end]})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(os.path.join(folder, "port.new"), "w") as file:
    file.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
