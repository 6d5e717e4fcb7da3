// The work of a form: looks for a number that makes SHA-256(challenge "." number)
// begin with so many zero bits, in short slices, so that writing goes on. SHA-256
// is FIPS 180-4. It is written out because the browser's own is not there on
// plain http, and slower for many short texts.
"use strict";
(() => {
  const form = document.querySelector("form[data-bits]");
  if (!form) return;
  const bits = Number(form.dataset.bits);
  const proof = form.elements.namedItem("proof");
  const status = form.querySelector("[data-working]");

  // The first 32 bits of the fractions of roots of the first primes.
  const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const begin = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
  const round = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));

  const w = new Int32Array(64);
  // compress takes the 64 bytes of block number at into a state of eight words.
  function compress(state, bytes, at) {
    for (let i = 0; i < 16; i++) {
      const j = at * 64 + i * 4;
      w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + round[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }

  const text = form.elements.namedItem("challenge").value + ".";
  const digits = 8;
  const length = text.length + digits;
  const blocks = Math.ceil((length + 9) / 64);
  const bytes = new Uint8Array(blocks * 64);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  bytes[length] = 128;
  new DataView(bytes.buffer).setUint32(blocks * 64 - 4, length * 8);
  const fixed = Math.floor(text.length / 64); // blocks that the number does not touch
  const middle = Int32Array.from(begin);
  for (let i = 0; i < fixed; i++) compress(middle, bytes, i);

  const state = new Int32Array(8);
  function found(number) {
    for (let i = 0, n = number; i < digits; i++, n >>>= 4) {
      const d = n & 15;
      bytes[length - 1 - i] = d < 10 ? 48 + d : 87 + d;
    }
    state.set(middle);
    for (let i = fixed; i < blocks; i++) compress(state, bytes, i);
    return Math.clz32(state[0]) >= bits;
  }

  let number = 0, began = 0, waiting = null;
  let done = proof.value !== "";
  function work() {
    for (const end = performance.now() + 25; performance.now() < end;) {
      for (let i = 0; i < 256; i++) {
        if (found(number)) return finish();
        number++;
      }
    }
    setTimeout(work);
  }
  function finish() {
    proof.value = (number >>> 0).toString(16).padStart(digits, "0");
    form.dataset.tries = number + 1;
    form.dataset.took = Math.round(performance.now() - began); // milliseconds
    done = true;
    if (!waiting) return;
    const button = waiting;
    waiting = null;
    status.textContent = "";
    if (form.requestSubmit) form.requestSubmit(button);
    else form.submit();
  }
  function start() {
    if (began || done) return;
    began = performance.now();
    setTimeout(work);
  }

  // Who only looks at the page does no work for it.
  form.addEventListener("focusin", start);
  if ("now" in form.dataset) start();
  form.addEventListener("submit", (event) => {
    if (done) return;
    event.preventDefault();
    waiting = event.submitter || form.querySelector("button:not([name])");
    status.textContent = status.dataset.working;
    start();
  });
})();
