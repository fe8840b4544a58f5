// An order by each library for Node: `node libraries.cjs HOST`.
const { Analytics } = require("@segment/analytics-node");
const rudder = require("@rudderstack/rudder-sdk-node");
const { jitsuAnalytics } = require("@jitsu/js");

const host = process.argv[2];

function order(number) {
  const products = [{ product_id: "POT-1", name: "Pot", price: 59.9, quantity: 1 }];
  return { order_id: String(number), total: 59.9, revenue: 48.3, currency: "EUR", products };
}

function context(number) {
  const traits = { email: `erika.${number}@example.com` };
  return { traits, ip: "203.0.113.9", userAgent: "Agent-Of-Erika", page: { url: "https://shop.example/thanks" } };
}

function message(number) {
  return { userId: "u-7", event: "Order Completed", properties: order(number), context: context(number) };
}

async function segment() {
  const analytics = new Analytics({ writeKey: "key-of-node", host, flushInterval: 10 });
  analytics.identify({ userId: "u-7", traits: { email: "erika.6004@example.com" } });
  analytics.track(message(6004));
  await analytics.closeAndFlush({ timeout: 20000 });
}

async function rudderstack() {
  const Rudder = rudder.default || rudder;
  const analytics = new Rudder("key-of-rnode", { dataPlaneUrl: host, flushInterval: 10 });
  analytics.track(message(6005));
  await new Promise((done) => analytics.flush(done));
}

async function jitsu(s2s, writeKey, number) {
  const analytics = jitsuAnalytics({ host, writeKey, s2s });
  await analytics.identify("u-7", { email: `erika.${number}@example.com` });
  await analytics.track("Order Completed", order(number));
}

Promise.all([segment(), rudderstack(), jitsu(false, "key-of-jitsu:secret", 6006), jitsu(true, "key-of-jitsu:secret", 6007)]).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
