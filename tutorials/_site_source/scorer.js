// How the search weighs what it finds: Sphinx's own weights, and of two equals the earlier lesson first.
// (`var`, since Sphinx declares it so, too, where there is none.)
var Scorer = {
  score: result => {
    const [docname, , , , score] = result, lesson = /^(\d\d)_/.exec(docname);
    return score + (lesson ? (100 - Number(lesson[1])) / 1000 : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: {0: 15, 1: 5, 2: -5},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
