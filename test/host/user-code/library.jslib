// A library as users write them, for emcc's --js-library.
mergeInto(LibraryManager.library, {
  helped__deps: ['$helper'],
  helped: function (bytes) {
    return helper(bytes);
  },

  $helper: function (bytes) {
    return [bytes].map(function (each) {
      return _grab(each);
    })[0];
  },

  through_macro: function (call, bytes) {
    {{{ makeDynCall('vi', 'call') }}}(bytes);
    return 0;
  },
});
