// In a page: tells the server what was read, or what went wrong.
let answer;
try {
  const { readRegister } = await import('./register.mjs');
  answer = readRegister();
} catch (error) {
  answer = `error ${error?.stack ?? error}`;
}
document.body.textContent = answer;
await fetch('/report', { method: 'POST', body: answer });
