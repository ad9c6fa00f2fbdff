// The page works without this. With it, Today keeps itself up to date, lists are
// filtered while one types, and commands can be copied.
(() => {
  "use strict";
  const toast = document.querySelector("[data-toast]");
  const say = (text) => {
    toast.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { toast.textContent = ""; }, 4000);
  };
  const load = async (url, signal) => {
    const answer = await fetch(url, { signal, headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const reveal = (root) => root.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      say(button.dataset.copy);
    } catch {
      getSelection().selectAllChildren(code);
    }
  });

  const form = document.querySelector("form[data-filter]");
  if (form) {
    let timer, running;
    const apply = async () => {
      const query = new URLSearchParams();
      for (const [key, value] of new FormData(form)) if (value) query.set(key, value);
      const url = form.getAttribute("action") + (query.size ? "?" + query : "");
      running?.abort();
      running = new AbortController();
      try {
        const page = await load(url, running.signal);
        for (const part of document.querySelectorAll("[data-part]")) {
          part.replaceChildren(...page.querySelector(`[data-part="${part.dataset.part}"]`).childNodes);
        }
        form.tag.toggleAttribute("aria-invalid", page.querySelector("form[data-filter]").tag.hasAttribute("aria-invalid"));
        history.replaceState(null, "", url);
        reveal(document);
      } catch (error) {
        if (error.name !== "AbortError") form.submit();
      }
    };
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 250); });
  }

  const seconds = Number(document.body.dataset.live);
  if (seconds) {
    const button = document.querySelector("[data-pause]");
    let paused = false;
    button.hidden = false;
    button.addEventListener("click", () => {
      paused = !paused;
      [button.textContent, button.dataset.pause] = [button.dataset.pause, button.textContent];
    });
    // Ages grow also while nightshift does not answer. They follow its clock.
    const forms = document.body.dataset.ages.split("|");
    const offset = (page) => Date.now() - Date.parse(page.body.dataset.now);
    let ahead = offset(document);
    const age = () => document.querySelectorAll("time[data-age]").forEach((time) => {
      const minutes = Math.floor((Date.now() - ahead - Date.parse(time.dateTime)) / 60000);
      const hours = Math.floor(minutes / 60);
      const [form, count] = minutes < 1 ? [0, 0] : hours < 1 ? [1, minutes] : hours < 48 ? [2, hours] : [3, Math.floor(hours / 24)];
      time.textContent = forms[form].replace("%d", count);
    });
    const update = async () => {
      const content = document.querySelector("#content");
      age();
      if (paused || document.hidden || content.contains(document.activeElement) && document.activeElement !== content) return;
      try {
        const page = await load(location.href, AbortSignal.timeout(20000));
        content.innerHTML = page.querySelector("#content").innerHTML;
        ahead = offset(page);
        reveal(document);
      } catch {
        document.querySelector("[data-lost]").hidden = false;
      }
    };
    setInterval(update, seconds * 1000);
    document.addEventListener("visibilitychange", update);
  }
  reveal(document);
})();
