package compose

import "strings"

// abbreviations end no sentence, in a text of any language. Words that also
// stand alone ("no", "art", "sat", "mar") are in beforeNumbers.
var abbreviations = setOf("" +
	// titles and ranks
	"mr mrs ms mx dr drs prof insp messrs supt capt cmdr lt sgt cpl adm pvt st ste revd " +
	"mmes mlle sr sra srta dra dña dott ing dipl atty jr esq phd dhr mevr " +
	"г-н г-жа проф акад им ул стр рис тыс млн млрд руб коп см др гг вв " +
	// words
	"vs approx dept misc univ assn bros inc ltd corp co al ca cf viz resp incl excl tel " +
	"bzw evtl ggf inkl exkl vgl sog bspw zzgl abzgl mio mrd std tsd insb jhdt jh " +
	"cie éd boul pág págs aprox avda uu uds vds " +
	"bijv mln mld ong " +
	// places and months
	"ave blvd hwy apt sq mtn calif " +
	"jan feb sept oct nov okt dez janv févr juil déc ene ")

// abbreviationsOf are those of one language alone: in another they are words.
var abbreviationsOf = map[string]map[string]bool{
	"en": setOf("est dist mt ft rev govs reps sens"),
	"de": setOf("abb abs abt aufl allg ausg bd bearb beil chr dgl einschl erg fr frl geb ges gest gez ggü hl hr hrsg hbf inh jmd jr kath kgl lfd lt nachf nördl östl südl westl orig pfr phil red schw sek städt techn theol urspr verf verh verw vors wiss zit zus"),
	"fr": setOf("apr av coll dép env hab introd mgr mme nb obs oct op paragr pr réf suiv tél trad"),
	"es": setOf("admón ago apdo arts av bco cap cía comp depto dto ed ee ej entlo excmo excma fdo gral hnos ilmo ilma izq dcha máx mín núms pbro pdte pral prov rte sdad sgto stgo tfno ud vd vol"),
	"pt": setOf("abr ago arq av cap cia cx dep depto eng ex exa exma exmo exmos fev ilmo ilma jul jun lda ltda mai máx mín mons obs out pe pred profa ref rem secr séc set sto sta trad vol"),
	"it": setOf("ago arch avv cap cav cfr col comm cons dic dr figg geom giu lett lug mag mons on ott pag pagg prov ref rag sec secc seg sett sig sigg sigra sost ss ten tav"),
	"nl": setOf("afb afd apr aug bl blz bv dir excl fa fr gebr get hfst ir jhr jl max min mrt mw nl nr nrs plm red secr str verg vgl vnl voorz zgn"),
	"pl": setOf("abp adw al art bp bł ds dyr egz gen godz gosp hab im inż itp jr kard kol kpt ks lek lic mec mgr mies min mjr ml nad np nr ob ok os pkt pl pow poz por pow płk płd płn prok przyp pn ppłk red reż rys rzecz str stow św tab tj tłum tow tys tzn tzw ub ul ur woj wsch wyd wg wł zach zał zob żeń"),
	"tr": setOf("alb av bçvş bkz bl bulv cad cm doç ecz fak gön hst hz kur mah müh ord ör örn sf sn sok şb şti tel uzm vd yd yrd yy yzb üsteğm"),
	"hi": setOf("डॉ प्रो श्री सुश्री पं सं पृ ई कि मि रु क्र इं एड कु मा उप वि"),
}

// nameAbbreviations are English and French ones that are words or units when
// written small.
var nameAbbreviations = setOf("MM Adm Ariz Col Colo Conn Ex Fla Fr Gen Gov Hon Maj Mass Minn Nev Okla Ore Pres Rep Rev Sen Tenn Wis")

// listEnds close a list: a capital behind one opens a new sentence.
var listEnds = setOf("etc ecc enz usw usf itd vb &c и.т.д")

// mayBeLast are abbreviations that close a sentence as well as a part of one.
var mayBeLast = setOf("inc ltd corp co jr sr esq phd approx dept dist est misc univ assn bros ave blvd hwy apt")

// neverLast never close one: what they speak of follows.
var neverLast = setOf("e.g i.e p.e p.ej z.b d.h u.a v.a o.a m.in c.-à-d")

// openingWords open English sentences.
var openingWords = setOf("The This That These Those There It He She We They You But And Then When While After Before Although If Its His Her Their Our Not Nobody Everybody Most Many Some Both Two Three")

// beforeNumbersOf are those of one language alone.
var beforeNumbersOf = map[string]map[string]bool{
	"de": setOf("mo di mi do fr sa so art anm ziff rn rdnr ca str"),
	"fr": setOf("p pp al lun mar mer jeu ven sam dim"),
	"es": setOf("lun mar mié jue vie sáb dom"),
	"pt": setOf("seg ter qua qui sex sáb dom fl fls inc"),
	"it": setOf("lun mar mer gio ven sab dom gen feb mar apr ago nov"),
	"nl": setOf("ma di wo do vr za zo"),
	"pl": setOf("pn wt śr czw pt sob niedz t z"),
	"tr": setOf("pzt sal çar per cum cmt paz c d"),
}

// beforeNumbers end no sentence when a number follows.
var beforeNumbers = setOf("" +
	"no nos nr nrn n° nº núm num art arts abs s pp p vol vols fig figs ch chap sec sect kap bd str par para pt ver v rm mar jun jul aug dec sat sun abr set dic mag giu lug gen " +
	"№ гл п пп ст д кв ")

// ordinalLanguages write 24. for 24th, and XIV. for the fourteenth.
var ordinalLanguages = setOf("de da nb nn no fi cs sk hu hr sr bs sl et lv pl tr is fo lb")

// countsNames are those of them that write a capital behind the number of
// something common.
var countsNames = setOf("de lb tr")

// months are the names before which a number is a date, in the languages that
// write a stop after it, for texts whose language is not known.
var months = setOf("" +
	"mayıs ocak şubat mart nisan haziran temmuz ağustos eylül ekim kasım aralık " +
	"januar jänner februar feber märz april mai juni juli august september oktober november dezember jahrhundert " +
	"marts maj december january february march may june july october " +
	"tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta " +
	"ledna února března dubna května června července srpna září října listopadu prosince " +
	"január február marec apríl máj jún júl október " +
	"stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października grudnia ")

// setOf makes a set of the words of a text.
func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
