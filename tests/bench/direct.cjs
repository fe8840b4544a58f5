// The direct implementation in Node: an express endpoint that hands the events of a request to the official SDK, which
// sends them as one request. `node direct.cjs PORT VENDOR MODULES`: the last is the folder of what npm has installed.
'use strict';

const { createRequire } = require('module');
const [port, vendor, modules] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const express = load('express');
const sdk = load('facebook-nodejs-business-sdk');

const PIXEL = '1234567890';
const TOKEN = 'bench';
Object.defineProperty(sdk.FacebookAdsApi, 'GRAPH', { get: () => `http://127.0.0.1:${vendor}` });
sdk.FacebookAdsApi.init(TOKEN, 'en_US', false);

function made(pushed) {
  const who = pushed.user_data;
  const where = who.address;
  const shop = pushed.ecommerce;
  const user = new sdk.UserData()
    .setEmail(who.email)
    .setPhone(who.phone_number)
    .setFirstName(where.first_name)
    .setLastName(where.last_name)
    .setCity(where.city)
    .setState(where.region)
    .setZip(where.postal_code)
    .setCountry(where.country.toLowerCase())
    .setExternalId(pushed.user_id)
    .setClientUserAgent('bench')
    .setClientIpAddress('203.0.113.9');
  const custom = new sdk.CustomData()
    .setValue(shop.value)
    .setCurrency(shop.currency)
    .setOrderId(shop.transaction_id)
    .setContentType('product')
    .setContents(
      shop.items.map((item) =>
        new sdk.Content().setId(item.item_id).setQuantity(item.quantity).setItemPrice(item.price)));
  return new sdk.ServerEvent()
    .setEventName('Purchase')
    .setEventTime(Math.floor(pushed.timestamp / 1000))
    .setEventId(pushed.event_id)
    .setEventSourceUrl(pushed.page.location)
    .setActionSource('website')
    .setUserData(user)
    .setCustomData(custom);
}

const app = express();
app.use(express.json({ type: () => true, limit: '1mb' }));
app.post('/collect', async (request, response) => {
  const events = Array.isArray(request.body) ? request.body : [request.body];
  await new sdk.EventRequest(TOKEN, PIXEL).setEvents(events.map(made)).execute();
  response.status(202).json({ events: events.length });
});
app.listen(Number(port), '127.0.0.1');
