// Subscribes with an EventSource, which comes back by itself, and prints a line for each
// result, until there were COUNT. node eventsource.mjs URL OPERATION COUNT
import { EventSource } from 'eventsource';

const [url, query, count] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

const source = new EventSource(`${url}?query=${encodeURIComponent(query)}`);
source.onopen = () => say({ open: true });
let left = Number(count);
source.addEventListener('next', (event) => {
  const { data, errors } = JSON.parse(event.data);
  say(errors ? { code: errors[0].extensions?.code } : { data });
  if (--left === 0) source.close();
});
source.addEventListener('complete', () => {
  source.close(); // or it would come back
  say({ complete: true });
});
