// What the page does after an event of its own always comes late, as on a busy machine now and then: a test that does
// not wait for it fails each time.
(() => {
  const LATE = 200; // milliseconds
  const EVENTS = ['close', 'hashchange', 'resize', 'scroll', 'toggle'];
  const { setTimeout, requestAnimationFrame, IntersectionObserver } = window;
  const late = (call) => function (...values) { setTimeout(() => call.apply(this, values), LATE); };
  window.setTimeout = (call, wait = 0, ...values) => setTimeout(call, wait + LATE, ...values);
  window.requestAnimationFrame = (call) => requestAnimationFrame(late(call));
  window.IntersectionObserver = class extends IntersectionObserver {
    constructor(call, options) { super(late(call), options); }
  };
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (name, call, ...more) {
    listen.call(this, name, EVENTS.includes(name) ? late(call) : call, ...more);
  };
})();
