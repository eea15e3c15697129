// SPDX-License-Identifier: Apache-2.0
// Search on a site that is opened from a folder. Browsers start no Worker for pages of
// file://, so the script of the search runs in a hidden frame there, and messages go to
// and fro as they would with a Worker. The offline plugin of the theme looks for the name
// of this file, and would load one from elsewhere without it.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      const script = document.createElement("script");
      script.src = url;
      this.frame.srcdoc = script.outerHTML;
      this.ready = new Promise((done) => this.frame.addEventListener("load", done));
      this.ready.then(() => {
        this.frame.contentWindow.postMessage = (data) =>
          this.dispatchEvent(new MessageEvent("message", { data }));
      });
      document.body.append(this.frame);
    }

    postMessage(data) {
      this.ready.then(() =>
        this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
