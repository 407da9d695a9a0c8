// Answers that the gateway gives itself.

export function refuse(response, status, message, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ message }));
}
