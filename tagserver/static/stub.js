(function (w, layer, queue, push) {
  if ((w.tagserver || {}).track) return
  function name(what, event) {
    try {
      var order = what === 'purchase' && ((event.ecommerce || event).transaction_id || event.transaction_id) || ''
      if (event.event_id || typeof order === 'object') return
      var none = /^(|undefined|null|nan|none|[[({$].*)$/i.test(order)
      event.event_id = none ? Date.now() + '.' + Math.random() : 'purchase_' + order
    } catch (_) {}
  }
  layer.push = function (one) {
    if (one && one.event === 'purchase') name(one.event, one)
    if (one && one[0] === 'event' && one[1] === 'purchase') name(one[1], one[2])
    return push.apply(layer, arguments)
  }
  w.tagserver = {q: queue, track: function (what, params, options) {
    var event = Object.assign({}, params, {event: what})
    name(what, event)
    queue.push([event, options])
    layer.push(event)
    return event.event_id
  }}
})(window, window.dataLayer = window.dataLayer || [], [], window.dataLayer.push)
