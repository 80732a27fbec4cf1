// TypeScript sources import './x.js'; inside Jest that is './x.ts'.
module.exports = (request, options) => {
  if (/^\.\.?\/.*\.js$/.test(request) && !options.basedir.includes('/node_modules/')) {
    try {
      return options.defaultResolver(request.slice(0, -3) + '.ts', options);
    } catch {
      // Not a TypeScript file: resolve as asked.
    }
  }
  return options.defaultResolver(request, options);
};
