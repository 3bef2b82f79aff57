#!/usr/bin/env node
// A remote worker for Orrery, with nothing but Node.js 18 or later.
//
//     ORRERY_URL=http://localhost:8080 node worker.js
//
// It registers, fetches tasks for the handlers below, does up to WORKER_SLOTS of them at once, and reports what became of
// them. Ctrl-C or SIGTERM lets running tasks finish for WORKER_GRACE seconds and signs off. Write handlers of your own at the
// end of this file: a function gets the input and the task, and returns the output or a promise of it.
'use strict';

const os = require('node:os');
const { randomUUID } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');

const env = process.env;
// Several nodes may be named, parted by commas: where one cannot be reached the next is asked.
const SERVERS = (env.ORRERY_URL || 'http://localhost:8080').split(',');
const NAME = env.WORKER_NAME || os.hostname();
const SLOTS = Number(env.WORKER_SLOTS || 2);
const GRACE_MS = Number(env.WORKER_GRACE || 30) * 1000;
const LEASE_MS = Number(env.WORKER_LEASE_MS || 15000);
const POLL_MS = 20000;

const say = (text) => console.error(new Date().toISOString().slice(11, 19), text);
const jitter = (ms) => ms * (0.5 + Math.random() / 2);

/** An answer that another try would not change. */
class Refused extends Error {
  constructor(status, body) {
    super(body.message || String(status));
    this.status = status;
    this.code = body.code;
  }
}

let server = 0;
let worker; // {id, token, leaseMs, heartbeatMs}
let proven; // when the last heartbeat was sent that was answered
let stopping = false;
let poll; // aborts the poll that waits
const tasks = new Map(); // by claim

async function once(method, path, body, key, { signal, timeout = POLL_MS + 10000 }) {
  const headers = {};
  if (method === 'POST') Object.assign(headers, { 'Content-Type': 'application/json', 'Idempotency-Key': key });
  if (env.ORRERY_TOKEN) headers.Authorization = 'Bearer ' + env.ORRERY_TOKEN;
  if (env.ORRERY_TENANT) headers['Orrery-Tenant'] = env.ORRERY_TENANT;
  if (worker && path) headers['Orrery-Worker-Token'] = worker.token;
  const limit = new AbortController();
  const abort = () => limit.abort();
  const timer = setTimeout(abort, timeout);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const url = SERVERS[server % SERVERS.length] + '/api/v1/remote-workers' + path;
    const response = await fetch(url, {
      method, headers, signal: limit.signal, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (response.ok) return text ? JSON.parse(text) : {};
    let problem = {};
    try { problem = JSON.parse(text); } catch { /* not from a node */ }
    throw new Refused(response.status, problem);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** Calls a node, and tries again with growing waits while none answers or they are overloaded, until `unless` says no. */
async function call(method, path, body, { unless = () => false, ...options } = {}) {
  const key = randomUUID(); // the same for each try, so that it has its effect once
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(method, path, body, key, options);
    } catch (problem) {
      const passes = !(problem instanceof Refused) || [429, 500, 503].includes(problem.status);
      if (!(problem instanceof Refused)) server++;
      if (!passes || unless()) throw problem;
      const wait = jitter(Math.min(5000, 200 * 2 ** Math.min(attempt, 6)));
      say(`${method} ${path}: ${problem.cause?.code || problem.message}; again in ${Math.round(wait)} ms`);
      await sleep(wait);
    }
  }
}

const now = () => performance.now();
const atOnce = { unless: () => true };
const path = (claim, what) => `/${worker.id}/claims/${claim}/${what}`;

async function register() {
  const handlers = Object.keys(HANDLERS).sort();
  const made = await call('POST', '', { name: NAME, handlers, slots: SLOTS, leaseMs: LEASE_MS }, { unless: () => stopping });
  worker = made;
  proven = now();
  say(`registered as ${worker.id} for ${handlers.join(', ')}`);
}

async function beat() {
  for (;;) {
    await sleep(worker.heartbeatMs);
    const sent = now();
    try {
      const answer = await call('POST', `/${worker.id}/heartbeat`, { claims: [...tasks.keys()] },
        { ...atOnce, timeout: worker.heartbeatMs });
      proven = sent;
      obey(answer);
    } catch (problem) {
      say('heartbeat: ' + problem.message);
      if (problem.status === 404 || problem.status === 410) {
        drop([...tasks.keys()]);
        // Where that is refused the next heartbeat comes here again.
        await register().catch((refusal) => say('could not register: ' + refusal.message));
      }
    }
    // By now the tasks may have been given to others.
    if (now() - proven > worker.leaseMs) drop([...tasks.keys()]);
  }
}

function obey({ cancel, lost }) {
  for (const claim of cancel) tasks.get(claim)?.stop(`${claim} is cancelled`);
  drop(lost);
}

function drop(claims) {
  for (const claim of claims) {
    const task = tasks.get(claim);
    if (task && !task.lost) {
      task.lost = true;
      task.stop(`${claim} is this worker's no more`);
    }
  }
}

/** Throw it to say in which way a task failed, for its retryOn and giveUpOn: exit:75, http:503, timeout, start … */
class Failed extends Error {
  constructor(message, kind) {
    super(message);
    this.name = 'Failed';
    this.kind = kind;
  }
}

// Any other error goes by its name, such as error:TypeError.
function kindOf(error) {
  if (error instanceof Failed) return error.kind;
  return /^[A-Za-z_$][\w.$]{0,254}$/.test(error.name) ? `error:${error.name}` : 'error';
}

/** One claimed task, as a handler sees it. `signal` is aborted when it is to end. */
class Task {
  constructor(assignment) {
    Object.assign(this, assignment);
    this.lost = false;
    this.controller = new AbortController();
    this.signal = this.controller.signal;
  }

  stop(why) {
    if (!this.signal.aborted) say(why);
    this.controller.abort();
  }

  async log(message, level = 'info', data = undefined) {
    const entries = [{ level, message: String(message), ...(data && { data }) }];
    await call('POST', path(this.claimId, 'log'), { entries }, { unless: () => this.signal.aborted });
  }

  async progress(percent) {
    await call('POST', path(this.claimId, 'progress'), { percent: Math.floor(percent) }, { unless: () => this.signal.aborted });
  }

  async run() {
    try {
      const output = await HANDLERS[this.handler](this.input, this);
      this.signal.throwIfAborted();
      await this.report('complete', { output: output ?? null });
    } catch (error) {
      // Whatever it is, it is the task's failure and not the worker's.
      await this.report('fail', { error: `${error.name}: ${error.message}`, kind: kindOf(error) });
    } finally {
      tasks.delete(this.claimId);
      freed?.();
    }
  }

  async report(what, body) {
    if (this.lost) return;
    try {
      // The claim lasts while the worker shows that it lives, so this is tried until it is told or the claim is lost.
      await call('POST', path(this.claimId, what), body, { unless: () => this.lost });
    } catch (problem) {
      say(`${this.claimId}: ${what} was not taken: ${problem.message}`);
      this.lost = true;
    }
  }
}

let freed;

async function fetchTasks() {
  while (!stopping) {
    if (tasks.size >= SLOTS) {
      await new Promise((resolve) => { freed = resolve; });
      continue;
    }
    poll = new AbortController();
    try {
      const answer = await call('POST', `/${worker.id}/poll`,
        { claims: [...tasks.keys()], max: SLOTS - tasks.size, waitMs: POLL_MS }, { ...atOnce, signal: poll.signal });
      obey(answer);
      for (const assignment of answer.assignments) {
        // Else it is given back by signing off, or was told twice.
        if (!stopping && !tasks.has(assignment.claimId)) {
          const task = new Task(assignment);
          tasks.set(task.claimId, task);
          task.run();
        }
      }
    } catch (problem) {
      if (stopping) return;
      // The heartbeat finds out whether it is to register anew.
      say('poll: ' + (problem.cause?.code || problem.message));
      await sleep(jitter(problem instanceof Refused ? Math.min(5000, LEASE_MS / 3) : 1000));
    }
  }
}

async function stop() {
  if (stopping) return;
  stopping = true;
  say('stopping: waits for what runs, and signs off');
  poll?.abort();
  const end = now() + GRACE_MS;
  while (tasks.size > 0 && now() < end) await sleep(50);
  if (worker) {
    await call('DELETE', `/${worker.id}`, undefined, { ...atOnce, timeout: 5000 })
      .catch((problem) => say('could not sign off: ' + problem.message));
  }
  process.exit(0);
}

// The handlers: what this worker can do.

const HANDLERS = {
  echo: (given) => given,

  'count-words': async (given, task) => {
    const words = given.text.split(/\s+/).filter(Boolean);
    await task.log('counted', 'info', { words: words.length });
    return { words: words.length };
  },

  // A long task has to listen whether it is to end.
  wait: async (given, task) => {
    for (let second = 1; second <= given.seconds; second++) {
      await task.log(`second ${second} of ${given.seconds}`);
      await task.progress(100 * (second - 1) / given.seconds);
      await sleep(1000, undefined, { signal: task.signal });
    }
    return { waited: given.seconds };
  },
};

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
register().then(() => {
  beat();
  return fetchTasks();
}).catch((problem) => {
  if (!stopping) {
    say(problem.message);
    process.exit(1);
  }
});
