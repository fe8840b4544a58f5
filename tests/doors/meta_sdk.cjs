// Calls Meta's SDK for Node as a backend would: what to send on stdin, a line each, what became of it on stdout. Only the
// address of Graph is another one.
const readline = require('node:readline');
const sdk = require('facebook-nodejs-business-sdk');

let graph = '';
Object.defineProperty(sdk.FacebookAdsApi, 'GRAPH', {get: () => graph});

function whole(call) {
  const user = new sdk.UserData()
    .setEmails([`Erika.${call.event_id}@Example.com`, 'e.mustermann@example.com'])
    .setPhones(['+49 30 901820', '+4915112345678'])
    .setGenders(['f'])
    .setDatesOfBirth(['19640812'])
    .setFirstNames(['Erika'])
    .setLastNames(['Mustermann'])
    .setCities(['Köln'])
    .setStates(['nrw'])
    .setCountries(['de'])
    .setZips(['51147'])
    .setExternalIds([`customer-${call.event_id}`])
    .setClientIpAddress('203.0.113.9')
    .setClientUserAgent('Agent-Of-Erika/1.0')
    .setFbc('fb.1.1789990000000.IwAR1-of_erika')
    .setFbp('fb.1.1789990000000.1234567890')
    .setSubscriptionId('sub-7')
    .setFbLoginId('700123')
    .setLeadId('1234567890123456')
    .setF5First('erika')
    .setF5Last('muste')
    .setFi('e')
    .setDobd('12')
    .setDobm('08')
    .setDoby('1964');
  const custom = new sdk.CustomData()
    .setValue(142.5)
    .setCurrency('eur')
    .setContentName('Tableware')
    .setContentCategory('Home')
    .setContentIds(['MUG-1', 'POT-7'])
    .setContents([
      new sdk.Content().setId('MUG-1').setQuantity(2).setItemPrice(12.45).setTitle('Mug').setDescription('A mug'),
      new sdk.Content().setId('POT-7').setQuantity(1).setItemPrice(117.6).setCategory('pots'),
    ])
    .setContentType('product_group')
    .setOrderId(call.order_id || call.event_id)
    .setNumItems(3)
    .setPredictedLtv(432.1)
    .setStatus('done')
    .setSearchString('mugs')
    .setCustomProperties({plan: 'gold', tiers: [1, {a: 'b'}], consent: 'granted'});
  return new sdk.ServerEvent()
    .setEventName('Purchase')
    .setEventTime(call.time)
    .setEventId(call.event_id)
    .setEventSourceUrl('https://shop.example/thanks?utm_source=mail')
    .setActionSource('website')
    .setOptOut(false)
    .setDataProcessingOptions(['LDU'])
    .setDataProcessingOptionsCountry(1)
    .setDataProcessingOptionsState(1000)
    .setUserData(user)
    .setCustomData(custom);
}

function lead(call) {
  return new sdk.ServerEvent()
    .setEventName('Lead')
    .setEventTime(call.time)
    .setUserData(new sdk.UserData().setExternalId('7'))
    .setActionSource('website');
}

async function callWith(call) {
  graph = call.graph;
  const events = Array.from({length: call.count || 1}, () => (call.kind === 'whole' ? whole : lead)(call));
  if (call.last) events.push(lead({time: call.last}));
  const request = new sdk.EventRequest(call.token, call.pixel, events);
  const said = call.request || {};
  if (said.test_event_code) request.setTestEventCode(said.test_event_code);
  if (said.partner_agent) request.setPartnerAgent(said.partner_agent);
  if (said.upload_tag) request.setUploadTag(said.upload_tag);
  try {
    const answer = await request.execute();
    return {received: answer.events_received, messages: answer.messages, trace: answer.fbtrace_id};
  } catch (error) {
    const told = error.response || {};
    return {
      raised: error.name,
      status: error.status,
      code: told.code,
      subcode: told.error_subcode ?? null,
      type: told.type,
      transient: told.is_transient,
      message: error.message,
      blamed: told.error_data?.blame_field_specs ?? null,
    };
  }
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    console.log(JSON.stringify(await callWith(JSON.parse(line))));
  }
})();
