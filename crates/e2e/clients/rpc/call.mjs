// Makes calls with the RPC libraries of browsers and of node, and prints what their users see: a line of
// JSON for each call. Its only argument is a list of calls: `{ client, url, stream, get }`.
import { createRequire } from "node:module";

const load = createRequire(process.env.TIDEGATE_PACKAGES + "/package.json");
const { createFileRegistry, create, fromBinary } = load("@bufbuild/protobuf");
const { FileDescriptorProtoSchema, FileDescriptorSetSchema, EmptySchema, DurationSchema, file_google_protobuf_empty } =
  load("@bufbuild/protobuf/wkt");
const { createClient, Code, ConnectError } = load("@connectrpc/connect");
const node = load("@connectrpc/connect-node");
const web = load("@connectrpc/connect-web");
globalThis.XMLHttpRequest = load("xhr2");
const grpcWeb = load("grpc-web");

// A service with a unary method and one that streams its answers, all of them empty.
const empty = ".google.protobuf.Empty";
const method = (name, more) => ({ name, inputType: empty, outputType: empty, ...more });
const file = create(FileDescriptorProtoSchema, {
  name: "shop.proto",
  package: "shop",
  dependency: ["google/protobuf/empty.proto"],
  syntax: "proto3",
  service: [
    {
      name: "Shop",
      method: [
        // Without side effects, so that it may be a GET.
        method("Call", { options: { idempotencyLevel: 1 } }),
        method("Stream", { serverStreaming: true }),
      ],
    },
  ],
});
const files = create(FileDescriptorSetSchema, { file: [file_google_protobuf_empty.proto, file] });
const Shop = createFileRegistry(files).getService("shop.Shop");

const transports = {
  "connect-node": (baseUrl) => node.createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "connect-node-h2": (baseUrl) => node.createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  "connect-node-get": (baseUrl) => node.createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true }),
  "connect-web": (baseUrl) => web.createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "connect-node-grpc": (baseUrl) => node.createGrpcTransport({ baseUrl }),
  "connect-node-grpc-web": (baseUrl) => node.createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  "connect-web-grpc-web": (baseUrl) => web.createGrpcWebTransport({ baseUrl }),
};

// A call with a library of Connect.
const connect = async ({ client, url, stream }) => {
  const shop = createClient(Shop, transports[client](url));
  try {
    if (stream) for await (const _ of shop.stream({}));
    else await shop.call({});
    return { code: "ok" };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const header = (name) => error.metadata.get(name);
    return {
      code: Code[error.code],
      message: error.rawMessage,
      pushback: header("grpc-retry-pushback-ms"),
      retryAfter: header("retry-after"),
      retryDelayMs: retryDelay(error),
    };
  }
};

// The delay in the first detail, `google.rpc.RetryInfo { 1: Duration }`.
const retryDelay = (error) => {
  const detail = error.details.find((detail) => detail.type === "google.rpc.RetryInfo");
  if (detail === undefined) return null;
  const { seconds, nanos } = fromBinary(DurationSchema, detail.value.subarray(2));
  return Number(seconds) * 1_000 + nanos / 1e6;
};

// A call with Google's own library for browsers.
const google = ({ client, url, stream }) =>
  new Promise((resolve) => {
    const format = client === "grpc-web-text" ? "text" : "binary";
    const shop = new grpcWeb.GrpcWebClientBase({ format });
    const nothing = () => new Uint8Array();
    const kind = stream ? grpcWeb.MethodType.SERVER_STREAMING : grpcWeb.MethodType.UNARY;
    const path = stream ? "/shop.Shop/Stream" : "/shop.Shop/Call";
    const descriptor = new grpcWeb.MethodDescriptor(path, kind, Object, Object, nothing, () => ({}));
    const answers = [];
    const answer = (error) => {
      answers.push(error);
      // Another answer would come at once.
      if (answers.length === 1) setImmediate(() => setImmediate(() => resolve(read(answers))));
    };
    if (stream) {
      const call = shop.serverStreaming(url + path, {}, {}, descriptor);
      call.on("error", answer);
      call.on("end", () => answers.length || answer(null));
    } else {
      shop.rpcCall(url + path, {}, {}, descriptor, (error) => answer(error));
    }
  });

const read = (answers) => {
  const [error] = answers;
  if (!error) return { code: "ok", answers: answers.length };
  const { code, message, metadata = {} } = error;
  const name = Object.entries(grpcWeb.StatusCode).find(([, number]) => number === code)?.[0] ?? String(code);
  return { code: name, message, pushback: metadata["grpc-retry-pushback-ms"], answers: answers.length };
};

const LIMIT_MS = 20_000;
const limit = () => new Promise((resolve) => setTimeout(resolve, LIMIT_MS, { code: "no end of the call" }));

for (const call of JSON.parse(process.argv[2])) {
  const result = await Promise.race([call.client.startsWith("grpc-web") ? google(call) : connect(call), limit()]);
  console.log(JSON.stringify({ ...call, ...result }));
}
process.exit(0);
