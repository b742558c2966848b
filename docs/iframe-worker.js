// Opened from disk a page may start no worker, and the site's search needs one: its script runs in a hidden frame then.
if (location.protocol === 'file:') {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement('iframe');
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.document.open(); // else Firefox replaces the empty document later
      inside.document.write('<!doctype html><body>');
      inside.document.close();
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent('message', { data }));
      const script = inside.document.createElement('script');
      this.started = new Promise((started, failed) => { [script.onload, script.onerror] = [started, failed]; });
      script.src = url;
      inside.document.body.append(script);
    }

    postMessage(data) {
      this.started.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent('message', { data })));
    }

    terminate() { this.frame.remove(); }
  };
}
