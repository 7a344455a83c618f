Module.whenReady = function () {
  _grab(19);
};
Module.postRun = [Module.whenReady];
