// How scripts that make a folder of packages end: what was made, `skipped` with 3, or why it could not be made with 1; as text or as one JSON document.

/**
 * Runs it, prints how it ended and sets the exit code.
 *
 * @param name - The script's, for messages.
 * @param make - Answers `{ status, ...result }`, with `skipped` where nothing could be asked for.
 * @param lines - The result as lines of text; it is given the result and the seconds.
 */
export async function reportMade({ name, folder, json, make, lines }) {
  const started = performance.now();
  try {
    const { status, ...result } = await make();
    const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
    if (json) console.log(JSON.stringify({ folder, ...result, seconds }));
    else if (result.skipped !== undefined) console.log(`skipped: ${result.skipped}`);
    else for (const line of lines(result, seconds)) console.log(line);
    process.exitCode = status;
  } catch (error) {
    if (json) console.log(JSON.stringify({ folder, failed: error.message }));
    else console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
